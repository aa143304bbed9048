#!/usr/bin/env python3
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""words.py WORDS LIB... - no message of the command names what only C has. Every sentence in the sources of the library goes
through the command's table (WORDS does that); what is left of identifiers, flags and NULL is told.

A new message that names a member of a struct fails here: give the option that sets it a row in examples/emqxtls/words.c.
"""
import pathlib
import re
import subprocess
import sys

# What a user of the command can't meet, since the command gives no such thing, or sets it up: a mistake in the command itself.
OF_PROGRAMMERS = re.compile(
    r"_init\b|^(%s|[a-z.]+) is NULL\b|is NULL, but|must be NULL|\bNULL or\b|EMQX_TLS_(OP|TYPE|OFF)|^limiter_config\b|connect_timeout_ms|"
    r"^clock\b|\bflags has a bit|^transport\.|the transport set no|part of the request is NULL|ca_file is for libcurl's")
# Names of the outside: commands and their options, addresses, protocols.
OF_OTHERS = re.compile(r"openssl \S+ -?\w+|-print_certs|s_client|named_curve|u\.unquote\w*|\w+\.(stdin|read|parse)|public_api|REFUSED_STREAM|"
                       r"EMQXCLOUD_\w+")
IDENTIFIER = re.compile(r"\w*[a-z0-9]_[a-z0-9]\w*|\b[A-Z]{2,}_[A-Z_]+|\bNULL\b|\bFORCE\b|\bDRY_RUN\b|\b(?:request|expected|config|options|policy|error)\.\w+")


def sentences(folder):
    for path in sorted(pathlib.Path(folder).rglob("*.[ch]")):
        source = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.S)
        source = re.sub(r"^\s*#\s*(include|error).*$", "", source, flags=re.M)
        source = re.sub(r'"\s*\n\s*"', "", source)
        for found in re.finditer(r'"((?:[^"\\\n]|\\.)*)"', source):
            if " " in found[1] and not OF_PROGRAMMERS.search(found[1]):
                yield path, found[1]


def leftovers(text):
    return IDENTIFIER.findall(OF_OTHERS.sub("", text))


def main():
    found = [one for folder in sys.argv[2:] for one in sentences(folder)]
    tries = ["wait_ms is over", "set ca_file.", "set request.key", "the path /etc/ca_file stays", "a_new_member is wrong", "give NULL"]
    lines = "".join(text + "\n" for text in [t for _, t in found] + tries)
    said = subprocess.run([sys.argv[1]], input=lines, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said[-6:-2] == ["--wait is over", "set --ca-file.", "set --key", "the path /etc/ca_file stays"], said[-6:]
    assert leftovers(said[-2]) == ["a_new_member"] and leftovers(said[-1]) == ["NULL"], "the test sees nothing"
    wrong = [f"{path}: {text}: {', '.join(left)}" for (path, _), text in zip(found, said) if (left := leftovers(text))]
    print(*wrong, f"{len(found)} messages, {len(wrong)} with a name of C", sep="\n")
    sys.exit(bool(wrong) or len(found) < 300)


main()
