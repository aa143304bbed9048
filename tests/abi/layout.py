#!/usr/bin/env python3
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""layout.py JSON - abi.json as rows for layout.c, so that a compiler can say whether it is right."""
import json
import sys

with open(sys.argv[1], encoding="utf-8") as f:
    abi = json.load(f)
for name, struct in abi["structs"].items():
    last = struct["members"][-1]["name"]
    print(f"STRUCT({name}, {struct['size']}, {last})")
    for member in struct["members"]:
        print(f"MEMBER({name}, {member['name']}, {member['offset']}, {member['size']})")
for enumeration in abi["enumerations"].values():
    for name, value in enumeration["values"].items():
        print(f"VALUE({name}, {value['value']})")
