#!/usr/bin/env python3
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""abidiff.py RELEASED NEW MAP LIBRARY COMPILER... - libabigail compares the library with one of empty functions that is made from
RELEASED, the release's emqxtls.ffi.h. NEW is that of now: a struct may have grown at its end since. What is new is allowed.

Before it compares it is tried itself, by releases that the library of now would break."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

STRUCT = re.compile(r"^typedef struct (\w+) \{\n(.*?)\} \1;\n", re.S | re.M)
PROTOTYPE = re.compile(r"^(?!typedef|enum)(\w[^;{}]*\b(emqx_tls_\w+)\([^;]*\));$", re.M)
BREAKING = [
    ("int32_t http_status;", "int64_t http_status;"),
    ("uint32_t attempts;", "uint32_t attempts; uint32_t more;"),
    ("char api_code[64];", "char api_code[32];"),
    ("int timeout_ms, emqx_tls_error", "long timeout_ms, emqx_tls_error"),
]


def build(header, version_script, compiler, folder):
    functions = PROTOTYPE.sub(r"\1 { __builtin_trap(); }", header)
    (folder / "release.c").write_text("#include <stddef.h>\n#include <stdint.h>\n" + functions, encoding="utf-8")
    library = folder / "release.so"
    subprocess.run([*compiler, "-g", "-fPIC", "-shared", "-w", f"-Wl,--version-script,{version_script}", "-Wl,-soname,libemqxtls.so.0",
                    "-o", str(library), str(folder / "release.c")], check=True)
    return library


def main():
    released, new, version_script, library, *compiler = sys.argv[1:]
    if not shutil.which("abidiff"):
        print("abidiff is missing: tests/packages.sh slow")
        sys.exit(77)
    sections = subprocess.run(["readelf", "-S", library], check=True, capture_output=True, text=True).stdout
    if ".debug_info" not in sections:
        print("the library has no debug information")
        sys.exit(77)
    old, now = (pathlib.Path(p).read_text(encoding="utf-8") for p in (released, new))
    grown = {name: members for name, members in STRUCT.findall(now)}
    old = STRUCT.sub(lambda m: m[0].replace(m[2], grown[m[1]]) if grown.get(m[1], "").startswith(m[2]) else m[0], old)

    def compare(header):
        with tempfile.TemporaryDirectory() as folder:
            release = build(header, version_script, compiler, pathlib.Path(folder))
            return subprocess.run(["abidiff", "--no-added-syms", str(release), library], capture_output=True, text=True, check=False)

    failed = False
    for was, becomes in BREAKING:
        assert was in old, was
        if compare(old.replace(was, becomes, 1)).returncode == 0:
            print(f"abidiff does not notice that {becomes!r} has become {was!r}")
            failed = True
    found = compare(old)
    if found.returncode != 0:
        print(found.stdout + found.stderr)
        print(f"a caller of the release would break (abidiff: {found.returncode})")
        failed = True
    sys.exit(failed)


main()
