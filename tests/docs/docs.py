#!/usr/bin/env python3
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""docs.py SOURCE - what the documents say of this tree is so:

- relative links lead to files that exist, and to headings in them
- paths in `backquotes` exist
- no line is longer than 120 columns
- the messages in the headings of docs/troubleshooting.md are those of the library and the command
- the README has at most 150 lines
- every public function is named in docs/, and the guide's table of codes has the headers' numbers
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
problems = []
TREE = ("lib/", "include/", "tests/", "examples/", "docs/", "cmake/", "./tests/", "./examples/")


def documents():
    for path in sorted(root.rglob("*.md")):
        parts = path.relative_to(root).parts
        if not any(p.startswith((".", "build")) or p == "subprojects" for p in parts[:-1]):
            yield path


def without_code(text):
    return re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)


def slug(heading):
    heading = re.sub(r"[`*]|\[|\]\([^)]*\)", "", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", heading).replace(" ", "-")


def anchors(path):
    return {slug(h) for h in re.findall(r"^#+ (.*)$", without_code(path.read_text(encoding="utf-8")), re.M)}


def check_links(path, text):
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists():
            problems.append(f"{path.relative_to(root)}: {link} does not exist")
        elif anchor and anchor not in anchors(target):
            problems.append(f"{path.relative_to(root)}: {link}: there is no such heading")


def check_paths(path, text):
    for quoted in re.findall(r"`([^`\s]+)`", text):
        if quoted.startswith(TREE) and not re.search(r"[*<{A-Z]{3}", quoted) and not (root / quoted).exists():
            problems.append(f"{path.relative_to(root)}: `{quoted}` does not exist")


def check_width(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if len(line.expandtabs(8)) > 120:
            problems.append(f"{path.relative_to(root)}:{number}: longer than 120 columns")


def said_by_programs():
    """All texts of the library and the command, those that are written in several pieces put together."""
    sources = [p for d in ("lib", "examples/emqxtls") for p in (root / d).rglob("*.c")]
    code = "\n".join(re.sub(r"/\*.*?\*/", "", p.read_text(encoding="utf-8"), flags=re.S) for p in sources)
    code = re.sub(r'(?<!\\)"\s*"', "", code)
    return "\n".join(re.findall(r'"((?:[^"\\\n]|\\.)*)"', code))


def check_messages():
    page = (root / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    ours = page[: page.index("## Building")]
    said = said_by_programs()
    quoted = [m for h in re.findall(r"^### (.*)$", ours, re.M) for m in re.findall(r"`([^`]+)`", h)]
    for message in quoted:
        if message not in said:
            problems.append(f"docs/troubleshooting.md: nobody says `{message}`")
    if len(quoted) < 15:
        problems.append("found too few messages in docs/troubleshooting.md: this test reads it wrongly")


def headers():
    for path in sorted((root / "include" / "emqxtls").glob("*.h")):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.S)
        yield path.name, text


def main():
    count = 0
    for path in documents():
        count += 1
        text = without_code(path.read_text(encoding="utf-8"))
        check_links(path, text)
        check_paths(path, text)
        check_width(path)
    for path in (root / "docs").glob("*.scd"):
        check_width(path)

    check_messages()
    lines = len((root / "README.md").read_text(encoding="utf-8").splitlines())
    if lines > 150:
        problems.append(f"README.md has {lines} lines")

    said = "\n".join(p.read_text(encoding="utf-8") for p in (root / "docs").rglob("*.md"))
    functions = 0
    for name, text in headers():
        found = set(re.findall(r"^EMQX_TLS_API[^;(]*?\b(emqx_tls_\w+)\s*\(", text, re.M))
        found |= {f"emqx_tls_{x}_init_size" for x in re.findall(r"^EMQX_TLS_INIT_\((\w+)\)", text, re.M)}
        functions += len(found)
        for function in sorted(found):
            if not re.search(rf"\b{function}\b", said):
                problems.append(f"docs/ does not name {function} of {name}")

    guide = (root / "docs" / "guide.md").read_text(encoding="utf-8")
    base = dict(headers())["base.h"]
    codes = re.findall(r"\b(EMQX_TLS_(?:OK|E_\w+)) = (\d+)", base)
    for name, number in codes:
        if not re.search(rf"^\| `{name}` \| {number} \|", guide, re.M):
            problems.append(f"docs/guide.md: the table of codes lacks {name} = {number}")

    if count < 5 or functions < 30 or len(codes) < 15:
        problems.append("found too few documents, functions or codes: this test reads them wrongly")
    for problem in problems:
        print(problem)
    print(f"{count} documents, {functions} functions, {len(codes)} codes")
    sys.exit(bool(problems))


main()
