#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# tests/analyse.sh - looks for bugs in lib and the command without running them: gcc -fanalyzer,
# clang-tidy (.clang-tidy), cppcheck. What they say and is none stands in tests/analyse.known, with
# its reason; anything else fails. Needs ./tests/packages.sh build analyse; takes a minute or two.
# Those of other versions than Debian 12's see other things: it is for that one.
set -euo pipefail
cd "$(dirname "$0")/.."

dir=build-analyse
log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT
[ -f $dir/build.ninja ] || CC=gcc meson setup $dir -Dbuildtype=debugoptimized -Dtests=false >"$log/setup" || {
  cat "$log/setup"
  exit 1
}

ninja -C $dir lib/redis/quota.lua.inc >"$log/ninja" 2>&1 || true # there is none without Redis

# One line a file: the file, and how it is compiled to nothing with -fanalyzer.
python3 - $dir/compile_commands.json >"$log/commands" <<'END'
import json, re, sys
seen = set()
for entry in json.load(open(sys.argv[1])):
    name = entry['file'].removeprefix('../')
    if name in seen or not name.startswith(('lib/', 'examples/emqxtls/')):
        continue
    seen.add(name)
    command = re.sub(r' -o \S+| -M[QF] \S+| -MD', '', entry['command'])
    print(f'{name}\t{command} -o /dev/null -fanalyzer -fdiagnostics-color=never')
END
[ -s "$log/commands" ] || { echo "tests/analyse.sh: $dir compiles nothing of lib" >&2; exit 1; }

cut -f2 "$log/commands" | (cd $dir && xargs -d '\n' -P "$(nproc)" -I{} sh -c '{} 2>&1 || echo "{}: error: it does not compile"') >"$log/gcc"
# clang-tidy says on stderr how much it said.
cut -f1 "$log/commands" | xargs -P "$(nproc)" -n 4 clang-tidy -quiet -p $dir >"$log/tidy" 2>/dev/null || true
cppcheck --quiet --enable=warning,performance,portability --std=c11 --template='{file}:{line}:{column}: warning: {message} [cppcheck-{id}]' \
  -D_GNU_SOURCE -DLUA_SCRIPT -Ilib -Iinclude -j "$(nproc)" lib examples/emqxtls >"$log/cppcheck" 2>&1 || true

python3 - tests/analyse.known "$log/gcc" "$log/tidy" "$log/cppcheck" <<'END'
import os, re, sys
known = {}
for line in open(sys.argv[1]):
    if line.strip() and not line.startswith('#'):
        place, check, reason = (line.rstrip('\n').split(None, 2) + ['', ''])[:3]
        if not reason:
            sys.exit(f'tests/analyse.known: {place} {check} has no reason')
        known[(place, check)] = False
found = set()
for path in sys.argv[2:]:
    for line in open(path, errors='replace'):
        m = re.match(r'(\S+?):(\d+):\d+: (?:warning|error): (.*) \[(?:CWE-\d+\] \[)?([^][]+)\]$', line)
        if not m:
            continue
        name = os.path.relpath(os.path.normpath(re.sub(r'^.*?\.\./(?=lib/|examples/|include/)', '', m[1])))
        check = m[4].split(',')[0].removeprefix('-W')
        if (name, check) in known:
            known[(name, check)] = True
        else:
            found.add(f'{name}:{m[2]}: {m[3]} [{check}]')
print('\n'.join(sorted(found)), end='\n' if found else '')
for (name, check), seen in known.items():
    if not seen:
        print(f'tests/analyse.known: {name} {check} is not said any more: take it out')
        found.add(name)
print(f'{len(known)} known, {len(found)} new')
sys.exit(len(found) > 0)
END
