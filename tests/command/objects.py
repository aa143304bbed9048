#!/usr/bin/env python3
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""objects.py [--all] PAGE - holds every object of --json on standard input to docs/emqxtls-json.5.scd: its fields, their types, and
the words that one has. With --all each field of the page must have come."""
import json
import re
import sys

TYPES = {"string": str, "integer": int, "boolean": bool, "list": list}


def read_page(path):
    """Section, type and words of each field."""
    fields, section, names = {}, None, []
    for line in open(path, encoding="utf-8"):
        if line.startswith("# "):
            section, names = line[2:].strip(), []
        found = re.fullmatch(r"(\*\w+\*(?:, \*\w+\*)*) \((\w+)\)\n", line)
        if found:
            names = re.findall(r"\w+", found[1])
            fields.update({name: {"section": section, "type": TYPES[found[2]], "text": ""} for name in names})
        elif line.startswith("\t"):
            for name in names:
                fields[name]["text"] += " " + line.strip()
    for field in fields.values():
        one_of = re.search(r"One of ((?:\*[^*]+\*(?:, )?)+)", field["text"])
        field["words"] = re.findall(r"\*([^*]+)\*", one_of[1]) if one_of else None
    return fields


def problems(thing, fields, seen, inside=False):
    always = [name for name, f in fields.items() if f["section"] == ("FINDINGS" if inside else "EVERY OBJECT")]
    yield from (f"there is no {name}" for name in always if name not in thing)
    for name, value in thing.items():
        field = fields.get(name)
        if not field or inside != (field["section"] == "FINDINGS"):
            yield f"{name} is not on the page"
            continue
        seen.add(name)
        if type(value) is not field["type"]:
            yield f"{name} is {value!r}"
        if field["words"] and value and value not in field["words"]:
            yield f"{name} is {value!r}, and none of its words"
        for one in value if isinstance(value, list) else []:
            yield from problems(one, fields, seen, inside=True)


def main():
    fields, seen, count, good = read_page(sys.argv[-1]), set(), 0, True
    for line in sys.stdin:
        count += 1
        for problem in problems(json.loads(line), fields, seen):
            print(f"{problem}: {line.strip()}")
            good = False
    if sys.argv[1] == "--all" and seen != set(fields):
        print("never came:", *sorted(set(fields) - seen))
        good = False
    print(f"{count} objects, {len(fields)} fields")
    sys.exit(not good)


main()
