#!/usr/bin/env python3
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""own_part.py MAP - bytes of libemqxtls.a in a program, from its linker's map: "ALL UNWINDING".

All: code, constants and the tables for unwinding, which are told alone too. Sections that the
linker threw away stand at address 0."""

import re
import sys

WEIGHED = ('.text', '.rodata', '.data', '.eh_frame', '.ARM')
UNWINDING = ('.eh_frame', '.ARM')


def sections(path):
    name = None
    with open(path, encoding='utf-8') as lines:
        for line in lines:
            alone = re.fullmatch(r' (\.\S+)\n', line)
            if alone:
                name = alone[1]
                continue
            placed = re.fullmatch(r' (\.\S+)? +0x([0-9a-f]+) +0x([0-9a-f]+) (\S+)\n', line)
            if placed and 'libemqxtls.a(' in placed[4] and int(placed[2], 16) != 0:
                yield placed[1] or name, int(placed[3], 16)


def is_of(section, kinds):
    return any(section == kind or section.startswith(kind + '.') for kind in kinds)


found = [(section, size) for section, size in sections(sys.argv[1]) if is_of(section, WEIGHED)]
print(sum(size for _, size in found), sum(size for section, size in found if is_of(section, UNWINDING)))
