#!/usr/bin/env python3
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""The table of README.md: tests/fuzz/coverage.py [BUILD FOLDER, build-fuzz-coverage] [FOUND, build-fuzz]

Replays each target's corpus, and what tests/fuzz/run.sh has found in the second folder, in a build
by gcc with gcov, and says how many lines and branches it reaches of the files that it is about.
"""
import glob
import json
import os
import subprocess
import sys

ABOUT = {
    'api_code': ['wire/api_code.c'],
    'call': ['call/*.c', 'limiter/limiter.c', 'limiter/memory.c', 'limiter/core.c', 'limiter/throttle.c',
             'limiter/waitlist.c', 'provision/calls.c', 'provision/decide.c', 'provision/ensure.c', 'provision/job.c',
             'provision/machine.c', 'provision/pace.c', 'provision/receipt.c', 'provision/receipt_file.c',
             'provision/remove.c', 'provision/wait.c'],
    'check': ['check/*.c'],
    'decode_status': ['wire/decode.c', 'wire/json.c', 'wire/json_jansson.c'],
    'endpoint': ['wire/url.c'],
    'expire': ['wire/expire.c'],
    'http': ['transport/*.c'],
    'json': ['wire/json.c', 'wire/json_own.c', 'wire/json_jansson.c'],
    'pem': ['check/pem.c'],
    'quota_file': ['limiter/file_*.c', 'limiter/core.c', 'limiter/throttle.c', 'limiter/timebase.c'],
    'receipt': ['provision/receipt.c', 'provision/receipt_text.c', 'provision/decide.c', 'provision/ensure.c',
                'provision/likeness.c', 'provision/machine.c'],
    'redis': ['redis/refusal.c', 'redis/session.c', 'redis/store.c', 'redis/url.c'],
    'retry_after': ['wire/expire.c'],
}


def counters(build):
    """gcov's files: a walk, since names of objects may begin with a dot."""
    return [os.path.join(at, n) for at, _, names in os.walk(build) for n in names if n.endswith('.gcda')]


def replay(build, found, target):
    for name in counters(build):
        os.unlink(name)
    folders = ['tests/fuzz/corpus/' + target]
    if target == 'json':
        folders.append('tests/fuzz/corpus/decode_status')
    more = f'{found}/tests/fuzz/found-{target}'
    if os.path.isdir(more) and os.listdir(more):
        folders.append(more)
    out = subprocess.run([f'{build}/tests/fuzz/replay-{target}', *folders], capture_output=True, text=True)
    if out.returncode != 0:
        sys.exit(f'{target}: an input breaks something: {out.stderr}')
    return int(out.stdout.split()[0])


def reached(build, patterns):
    """Lines and branches by file, of whichever objects have run."""
    wanted = {os.path.realpath(f) for p in patterns for f in glob.glob('lib/' + p)}
    seen = {}
    for data in counters(build):
        out = subprocess.run(['gcov', '--json-format', '--stdout', '--branch-probabilities', os.path.abspath(data)],
                             capture_output=True, text=True, cwd=build)
        for document in out.stdout.splitlines():
            for f in json.loads(document)['files']:
                path = os.path.realpath(os.path.join(build, f['file']))
                if path not in wanted:
                    continue
                lines = seen.setdefault(path, {})
                for line in f['lines']:
                    was = lines.setdefault(line['line_number'], [0, [0] * len(line['branches'])])
                    was[0] += line['count']
                    for i, b in enumerate(line['branches'][:len(was[1])]):
                        was[1][i] += b['count']
    return seen


def share(hit, all_of):
    return f'{hit} of {all_of} ({100 * hit // max(all_of, 1)} %)'


def main():
    build = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else 'build-fuzz-coverage')
    found = sys.argv[2] if len(sys.argv) > 2 else 'build-fuzz'
    if not os.path.isdir(build):
        subprocess.run(['meson', 'setup', build, '-Db_coverage=true'], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(['ninja', '-C', build, 'replays'], check=True, stdout=subprocess.DEVNULL)
    print('| target | inputs | lines | branches |\n|---|---|---|---|')
    for target, patterns in ABOUT.items():
        if not os.path.exists(f'{build}/tests/fuzz/replay-{target}'):
            continue
        count = replay(build, found, target)
        lines = [line for file in reached(build, patterns).values() for line in file.values()]
        branches = [b for line in lines for b in line[1]]
        print(f'| `{target}` | {count} | {share(sum(line[0] > 0 for line in lines), len(lines))} | '
              f'{share(sum(b > 0 for b in branches), len(branches))} |')


if __name__ == '__main__':
    main()
