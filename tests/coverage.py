#!/usr/bin/env python3
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""tests/coverage.py KNOWN BUILD... - what the tests that were run in these builds have reached of lib.

Prints lines and branches by file, and what was not reached and stands not in KNOWN. Fails on such a
place, on an entry of KNOWN that fits nothing any more, and below the least that is asked for.
"""
import collections
import fnmatch
import json
import os
import re
import subprocess
import sys

LEAST = {'lines': 96.0, 'branches': 90.0}


class Source:
    """What was reached of one file, in all builds together."""

    def __init__(self):
        self.lines = collections.Counter()
        self.functions = {}
        self.branches = {}

    def add(self, line):
        number = line['line_number']
        self.lines[number] += line['count']
        self.functions[number] = line.get('function_name', '')
        taken = [b['count'] for b in line['branches'] if not b['throw']]
        before = self.branches.get(number, [])
        if len(before) != len(taken):  # built in another way: the more thorough one
            self.branches[number] = max(before, taken, key=lambda counts: (sum(c > 0 for c in counts), len(counts)))
        else:
            self.branches[number] = [a + b for a, b in zip(before, taken)]


def read(build, sources):
    """Objects are listed by their notes, so that one that never ran counts as well."""
    notes = []
    for folder in ('lib/libemqxtls-internal.a.p', 'lib/redis/libemqxtls-redis-internal.a.p'):
        path = os.path.join(build, folder)
        if os.path.isdir(path):
            notes += [os.path.join(folder, name) for name in sorted(os.listdir(path)) if name.endswith('.gcno')]
    gcov = subprocess.run(['gcov', '--json-format', '--branch-probabilities', '--stdout', *notes], cwd=build,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    for document in gcov.stdout.splitlines():
        for file in json.loads(document)['files']:
            name = os.path.relpath(os.path.join(build, file['file']))
            if name.startswith('lib/'):
                for line in file['lines']:
                    sources[name].add(line)


def per_cent(reached, all_of_them):
    return 100.0 * reached / all_of_them if all_of_them else 100.0


def row(name, lines, branches):
    print(f'{name:40} {lines[0]:5} of {lines[1]:5} {per_cent(*lines):6.1f} % '
          f'{branches[0]:5} of {branches[1]:5} {per_cent(*branches):6.1f} %')


def table(sources):
    print(f'{"":40} {"lines":>22} {"branches":>24}')
    total = {'lines': [0, 0], 'branches': [0, 0]}
    for name in sorted(sources):
        counts = {'lines': list(sources[name].lines.values()),
                  'branches': [c for line in sources[name].branches.values() for c in line]}
        sums = {what: (sum(c > 0 for c in counts[what]), len(counts[what])) for what in counts}
        row(name, sums['lines'], sums['branches'])
        for what, pair in sums.items():
            total[what] = [a + b for a, b in zip(total[what], pair)]
    row('all', total['lines'], total['branches'])
    return {what: per_cent(*total[what]) for what in total}


class Known:
    """A line: file, function, `line` or `branch`, text of the line, reason; by tabs. `*` stands for anything."""

    def __init__(self, path):
        self.entries = []
        for number, line in enumerate(open(path), 1):
            if not line.strip() or line.startswith('#'):
                continue
            fields = line.rstrip('\n').split('\t')
            if len(fields) != 5 or not fields[4]:
                sys.exit(f'{path}:{number}: not file, function, kind, text and reason')
            self.entries.append({'where': f'{path}:{number}', 'pattern': fields[:4], 'reason': fields[4], 'used': 0})

    def has(self, place):
        found = False
        for entry in self.entries:
            if all(text == pattern or fnmatch.fnmatchcase(text, pattern.replace('[', '[[]'))
                   for text, pattern in zip(place, entry['pattern'])):
                entry['used'] += 1
                found = True
        return found

    def left(self, functions):
        """Of a line that is reached, or gone; of a branch, whose sides may be taken by chance, whose function is gone."""
        return [e for e in self.entries if not e['used'] and not e['reason'].startswith('sometimes: ')
                and (e['pattern'][2] == 'line' or tuple(e['pattern'][:2]) not in functions)]


def unreached(sources):
    for name, source in sorted(sources.items()):
        text = open(name).read().splitlines()
        for number in sorted(source.lines):
            stripped = re.sub(r'\s+', ' ', text[number - 1].strip())
            if source.lines[number] == 0:
                yield (name, source.functions[number], 'line', stripped), number
            elif 0 in source.branches[number]:
                yield (name, source.functions[number], 'branch', stripped), number


def main():
    known = Known(sys.argv[1])
    sources = collections.defaultdict(Source)
    for build in sys.argv[2:]:
        read(build, sources)
    reached = table(sources)
    wrong = 0
    for place, number in unreached(sources):
        if not known.has(place):
            print(f'{place[0]}:{number}: {place[1]}: not reached, {place[2]}: {place[3]}')
            wrong += 1
    functions = {(name, function) for name, source in sources.items() for function in source.functions.values()}
    for entry in known.left(functions):
        print(f'{entry["where"]}: is reached, or is there no more: take it out')
        wrong += 1
    for what, least in LEAST.items():
        if reached[what] < least:
            print(f'{reached[what]:.1f} % of the {what} are reached; it should be at least {least:.0f} %')
            wrong += 1
    print(f'{len(known.entries)} places known, {wrong} new')
    return wrong > 0


sys.exit(main())
