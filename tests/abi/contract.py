#!/usr/bin/env python3
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""contract.py SONAME MAP LIBRARY DESCRIPTION HEADER... - the written contract is kept:

- the headers' prototypes, the version script and what the shared library exports name the same symbols, each in its node
- the SONAME
- every struct and function is in DESCRIPTION (abi.json; -: there is none), those structs that callers make in init.c and in
  input.c or output.c beside this file, and none holds another of them by value
- every enumeration has a name, and a flag is the same as macro and as enumerator
- nothing in a header whose shape depends on compiler or settings
"""
import json
import pathlib
import re
import subprocess
import sys

PROBLEMS = []


def problem(text):
    PROBLEMS.append(text)


def tool(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)


def headers(paths):
    # The definition of the macro is no declaration.
    text = "\n".join(without_comments(open(p, encoding="utf-8").read()) for p in paths)
    return re.sub(r"#define[^\n]*(?:\\\n[^\n]*)*", "", text)


def nodes(path):
    """The version script as {symbol: node}."""
    found = {}
    for node, body in re.findall(r"(\w+[\w.]*)\s*\{(.*?)\}", open(path, encoding="utf-8").read(), re.S):
        for symbol in re.findall(r"\b(emqx_tls_\w+);", body):
            if symbol in found:
                problem(f"{symbol} is in the version script twice")
            found[symbol] = node
    return found


def compare(left, a, right, b):
    for symbol in sorted(a - b):
        problem(f"{symbol} is in the {left}, but not in the {right}")
    for symbol in sorted(b - a):
        problem(f"{symbol} is in the {right}, but not in the {left}")


def main():
    soname, map_path, library, described, *header_paths = sys.argv[1:]
    text = headers(header_paths)

    structs = set(re.findall(r"typedef struct (emqx_tls_\w+)\s*\{\s*uint32_t size;", text))
    initialised = {"emqx_tls_" + x for x in re.findall(r"^EMQX_TLS_INIT_\((\w+)\)", text, re.M)}
    declared = set(re.findall(r"^EMQX_TLS_API[^;(]*?\b(emqx_tls_\w+)\s*\(", text, re.M))
    declared |= {x + "_init_size" for x in initialised}
    for name in sorted(initialised - structs):
        problem(f"{name} has an init, but does not begin with its size")

    script = nodes(map_path)
    compare("headers", declared, "version script", set(script))

    exported = {}
    for line in tool("nm", "-D", "--defined-only", library).splitlines():
        _, kind, name = line.split()
        if kind != "A":
            symbol, _, node = name.partition("@@")
            exported[symbol] = node
    compare("version script", set(script), "shared library", set(exported))
    for symbol in sorted(set(script) & set(exported)):
        if script[symbol] != exported[symbol]:
            problem(f"{symbol} is exported as {exported[symbol]}, the version script says {script[symbol]}")

    sonames = re.findall(r"SONAME.*\[(.*)\]", tool("readelf", "-d", library))
    if sonames != [soname]:
        problem(f"SONAME is {sonames}, not {soname}")

    if described != "-":
        with open(described, encoding="utf-8") as f:
            abi = json.load(f)
        compare("headers", structs, "description", set(abi["structs"]))
        inits = {s["init"] for s in abi["structs"].values() if s["init"]}
        compare("headers", declared, "description", set(abi["functions"]) | inits)

    folder = pathlib.Path(__file__).parent
    said = {name: (folder / name).read_text(encoding="utf-8") for name in ("init.c", "input.c", "output.c")}
    for name in sorted(initialised):
        short = name.removeprefix("emqx_tls_")
        if f"DO({short})" not in said["init.c"]:
            problem(f"{name} is not in tests/abi/init.c")
        if not re.search(rf"ROW\({short}[,)]", said["input.c"] + said["output.c"]):
            problem(f"no older and newer caller of {name} is simulated in tests/abi/input.c or output.c")

    if re.search(r"\benum\s*\{", text):
        problem("an enumeration has no name")
    whole = "\n".join(without_comments(open(p, encoding="utf-8").read()) for p in header_paths)
    macros = dict(re.findall(r"^#define (EMQX_TLS_[A-Z0-9_]+)\s+(0x[0-9a-f]+)u$", whole, re.M))
    flags = {}
    for body in re.findall(r"\benum emqx_tls_(?:\w+_flag|feature)\s*\{(.*?)\}", text, re.S):
        flags.update(re.findall(r"(EMQX_TLS_\w+) = (\w+)", body))
    for name in sorted(macros.keys() | flags.keys()):
        if macros.get(name) != flags.get(name):
            problem(f"{name} is {macros.get(name)} as macro and {flags.get(name)} as enumerator")

    for name, body in re.findall(r"typedef struct (emqx_tls_\w+)\s*\{(.*?)\}", text, re.S):
        for member in body.split(";"):
            kind = re.match(r"\s*(?:const\s+)?(emqx_tls_\w+)\s+\w", member)
            if kind and kind.group(1) in structs:
                problem(f"{name} holds a {kind.group(1)} by value")
            if re.search(r"\w\s*:\s*\d+\s*$", member):
                problem(f"{name} has a bit field:{member}")
    for word in ("time_t", "ssize_t", "FILE", "va_list", r"\.\.\.", "bool", "long", r"enum \w+ \w"):
        for found in re.findall(rf"(?<![\w]){word}(?![\w])", text):
            problem(f"the headers use '{found}', which has no place in the ABI")

    if not declared or not exported:
        problem("found no prototypes or exports at all: this test reads them wrongly")
    for text in PROBLEMS:
        print(text)
    print(f"{len(declared)} prototypes, {len(exported)} exported symbols, {len(structs)} structs")
    sys.exit(bool(PROBLEMS))


main()
