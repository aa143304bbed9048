#!/usr/bin/env python3
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""tests/mutants.py [-a] [-l] [-j JOBS] [-p PART/PARTS] [-f FILE]... - do the tests see small errors in what decides?

Makes errors in conditions, constants and order of the limiter, the call, ensure and the departure of the
libcurl transport, one at a time, in copies of the tree under build-mutants, and runs the unit tests that
matter for that file until one fails. Those that no test sees stand in tests/mutants.known, with the reason;
others fail, and so does an entry that is not needed any more. An error that changes nothing is none: neither
where the optimised object is the same, nor where the reason begins with `the same: `.

  -a  all of them, and not a quarter that their text picks      -l  only lists them
  -p 2/5  only the second fifth, as a piece of work             -f  only this file's
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import queue
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import time

# What is changed, and the test programs that matter, the quickest first. `only`: these functions.
TARGETS = {
    'lib/limiter/core.c': {'tests': 'limiter-core limiter-memory limiter-throttle limiter-limiter limiter-timebase '
                                     'limiter-file_store limiter-file_time limiter-file_damage limiter_model-short proof-quota'},
    'lib/limiter/throttle.c': {'tests': 'limiter-core limiter-throttle limiter-memory limiter-limiter limiter_model-short proof-quota'},
    'lib/limiter/waitlist.c': {'tests': 'limiter-waitlist limiter-careless_store limiter-limiter call-quota limiter_model-short'},
    'lib/limiter/limiter.c': {'tests': 'limiter-limiter limiter-careless_store limiter-memory limiter-waitlist '
                                        'call-quota limiter-file_store limiter-file_shared limiter_model-short torture'},
    'lib/call/operation.c': {'tests': 'call-operation call-repeat call-quota call-calls call-async'},
    'lib/call/operation_call.c': {'tests': 'call-calls call-client call-quota call-repeat call-async call-loop '
                                            'provision-job call-inside torture integration-calls'},
    'lib/call/exchange.c': {'tests': 'call-repeat call-calls call-client call-async call-loop'},
    'lib/call/loop.c': {'tests': 'call-loop call-async call-calls call-inside call-client '
                                  'call-transport call-quota torture integration-async'},
    'lib/provision/ensure.c': {'tests': 'provision-ensure provision-lost provision-receipts provision-crash provision-zone '
                                        'provision-probe provision-machine'},
    'lib/provision/decide.c': {'tests': 'provision-decide provision-ensure provision-receipts provision-lost provision-machine'},
    'lib/provision/machine.c': {'tests': 'provision-ensure provision-wait provision-remove provision-lost provision-machine'},
    'lib/transport/easy.c': {'tests': 'transport-exchange transport-loop transport-limits transport-proxy transport-tls '
                                      'transport-http2 integration-answers integration-lost',
                             'only': 'on_departure is_stale on_body_wanted emqxi_transfer_shorten emqxi_transfer_renew'},
    'lib/transport/outcome.c': {'tests': 'transport-exchange transport-limits transport-tls transport-http2 integration-answers '
                                         'integration-lost',
                                'only': 'own_fault end_told emqxi_transfer_reply'},
    'lib/transport/curl.c': {'tests': 'transport-exchange transport-loop transport-limits transport-proxy transport-tls '
                                      'transport-http2 integration-answers integration-lost',
                             'only': 'must_wait run_transfer scouted finish_transfer release_held leave_transfer collect '
                                     'transport_cancel'},
}

SWAPS = {'<': '<=', '<=': '<', '>': '>=', '>=': '>', '==': '!=', '!=': '==', '&&': '||', '||': '&&', '+': '-',
         '-': '+', '+=': '-=', '-=': '+=', '++': '--', '--': '++', 'true': 'false', 'false': 'true',
         'EMQXI_MIN': 'EMQXI_MAX', 'EMQXI_MAX': 'EMQXI_MIN', '?': None}
TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|[A-Za-z_]\w*|\d\w*|->|\+\+|--|<<|>>|[<>=!+\-*/&|^]=|&&|\|\||\S')
ASLEEP_S = 15    # no test sleeps so long: one that does waits for what never comes
START = time.monotonic()
LEAST_MADE, MOST_LIVING = 300, 0.09  # 0.03 is what it should come to
ENVIRONMENT = {'MALLOC_PERTURB_': '165'}  # what is used after it was given back is not what it was
WORK_TIMES = 10  # as much processor time as without an error, and some seconds: then it goes round for ever


class Mutant:
    def __init__(self, file, function, start, end, text, code):
        self.file, self.function, self.start, self.end, self.text = file, function, start, end, text
        begin = code.rfind('\n', 0, start) + 1
        last = code.find('\n', end)
        self.line = code.count('\n', 0, start) + 1
        self.before = re.sub(r'\s+', ' ', code[begin:last].strip())
        self.after = re.sub(r'\s+', ' ', (code[begin:start] + text + code[end:last]).strip())

    def key(self):
        return self.file, self.function, self.before, self.after

    def is_picked(self):
        """The same ones wherever else lines come and go."""
        return hashlib.sha1('\0'.join(self.key()).encode()).digest()[0] % 4 == 0


def blank(match):
    return re.sub(r'[^\n]', ' ', match[0])


def functions(code):
    """Names by the span of their bodies: what stands between a line `{` and a line `}`."""
    head = 0
    for begin in re.finditer(r'^\{\n', code, re.M):
        head = max(code.rfind('\n}', 0, begin.start()), code.rfind(';\n', 0, begin.start()), head)
        end = code.index('\n}', begin.end() - 1)
        yield re.findall(r'(\w+)\(', code[head:begin.start()])[0], begin.end(), end


def in_expressions(name, start, end, code):
    """Operators, constants and words of a function."""
    tokens = list(TOKEN.finditer(code, start, end))
    for before, token in zip(tokens, tokens[1:]):
        text = token[0]
        binary = re.fullmatch(r'[\w)\]]+', before[0]) and before[0] not in ('return', 'case')
        if text == '!' and code[token.end()] != '=':
            yield Mutant(name[0], name[1], token.start(), token.end(), '', code)
        elif re.fullmatch(r'\d+u?', text) and before[0] not in ('[', '%'):
            number = int(text.rstrip('u'))
            yield Mutant(name[0], name[1], token.start(), token.end(), str(number + (1 if number < 64 else number)), code)
        elif SWAPS.get(text) and (text not in ('+', '-') or binary):
            yield Mutant(name[0], name[1], token.start(), token.end(), SWAPS[text], code)


def needs(statement, other):
    """Does it name what the other one sets? Of calls it is not known."""
    of = re.match(r'[*]?((?:\w|->|\.|\[\w+\])+)(?: [-+|]?= |\+\+|--)', other)
    return re.search(r'(?<![\w.>])' + re.escape(of[1]) + r'\b', statement) if of else ' = ' not in statement


def in_statements(name, start, end, code):
    """A statement of a line is left out, or comes behind the next one; a condition is turned round."""
    plain = r'^([ ]+)(?!return\b|break\b|goto\b|case\b|default\b|(?:const |static |struct |emqx|int|uint|bool|size_t|unsigned|char|void)[\w ]*[ *]\w+(?: =|;|\[))([^\n{}]*[\w)\]]);$'
    statements = [m for m in re.finditer(plain, code[start:end], re.M)
                  if not re.match(r'(if|for|while|else|do)\b', m[2]) and re.search(r'[=(]|\+\+|--', m[2])
                  and m[2].count('(') == m[2].count(')')]
    for m in statements:
        yield Mutant(name[0], name[1], start + m.start(2), start + m.end(2), '', code)
    for one, two in zip(statements, statements[1:]):
        if one.end() + 1 == two.start() and one[1] == two[1] and (needs(two[2], one[2]) or needs(one[2], two[2])):
            yield Mutant(name[0], name[1], start + one.start(2), start + two.end(2),
                         f'{two[2]};\n{one[1]}{one[2]}', code)
    for m in re.finditer(r'\b(?:if|while) \(([^\n]*)\)(?: \{)?$', code[start:end], re.M):
        yield Mutant(name[0], name[1], start + m.start(1), start + m.end(1), f'!({m[1]})', code)


def outside_functions(file, code):
    """Constants that have a name, and rows of tables."""
    for m in re.finditer(r'^#define \w+ +(\d+)\b', code, re.M):
        yield Mutant(file, '', m.start(1), m.end(1), str(int(m[1]) * 2 + 1), code)
    for m in re.finditer(r'^  ROW\([^\n]*\),$', code, re.M):
        yield Mutant(file, '', m.start(), m.end(), '', code)


def mutants_of(file):
    text = open(file).read()
    code = re.sub(r'/\*.*?\*/', blank, text, flags=re.S)
    only = TARGETS[file].get('only', '').split()
    seen = set()
    found = [] if only else list(outside_functions(file, code))
    for function, start, end in functions(code):
        if not only or function in only:
            found += in_expressions((file, function), start, end, code)
            found += in_statements((file, function), start, end, code)
    for m in found:
        if m.key() not in seen:  # twice in a line: the first stands for both
            seen.add(m.key())
            yield m


def group_cpu(pid):
    """Processor time of a process and its children's, and whether one of them could run."""
    total, awake = 0, False
    for entry in os.scandir('/proc'):
        if entry.name.isdigit():
            try:
                fields = open(f'/proc/{entry.name}/stat').read().rpartition(')')[2].split()
            except OSError:
                continue
            if int(fields[2]) == pid:
                total += int(fields[11]) + int(fields[12])
                awake |= fields[0] in 'RD'
    return total, awake


def ends_well(test, cwd, seconds):
    """Runs a test; a hang is one that spends much time, or none."""
    child = subprocess.Popen(test['cmd'], env={**os.environ, **test['env'], **ENVIRONMENT}, cwd=cwd, start_new_session=True,
                             preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds)),
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    spent, since = -1, time.monotonic()
    while True:
        try:
            return child.wait(0.5) == 0
        except subprocess.TimeoutExpired:
            now, awake = group_cpu(child.pid)
            if awake or now != spent:
                spent, since = now, time.monotonic()
            elif time.monotonic() - since > ASLEEP_S:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                return False


class Copy:
    """The tree once more, built; one mutant at a time is in it."""

    def __init__(self, number):
        self.root = os.path.abspath(f'build-mutants/{number}')
        self.build = os.path.join(self.root, 'build')
        os.makedirs(self.root, exist_ok=True)
        names = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard', '-z'], stdout=subprocess.PIPE,
                               check=True).stdout.decode().split('\0')
        for name in filter(os.path.isfile, names):
            target = os.path.join(self.root, name)
            if not os.path.exists(target) or open(name, 'rb').read() != open(target, 'rb').read():
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copy(name, target)
        if not os.path.exists(os.path.join(self.build, 'build.ninja')):
            self.run('meson', 'setup', self.build, '-Dbuildtype=plain', '-Db_ndebug=true', '-Ddocs=disabled')
        self.tests = {t['name']: t for t in json.loads(self.run('meson', 'introspect', '--tests', self.build))}
        self.commands = {os.path.normpath(os.path.join(self.build, c['file'])): c['command']
                         for c in json.load(open(os.path.join(self.build, 'compile_commands.json')))
                         if 'emqxtls-internal' in c['output']}
        self.optimised = {}

    def run(self, *command):
        done = subprocess.run(command, cwd=self.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            sys.exit(f'{" ".join(command)}:\n{done.stdout}')
        return done.stdout

    def program(self, test):
        return os.path.relpath(self.tests[test]['cmd'][0], self.build)

    def make(self, *programs):
        return subprocess.run(['ninja', '-C', self.build, *programs], stdout=subprocess.DEVNULL).returncode == 0

    def passes(self, test, seconds):
        return ends_well(self.tests[test], self.build, seconds)

    def assembly(self, path):
        """What the compiler makes of it, optimised. None: it does not compile."""
        command = shlex.split(re.sub(r' -(MQ|MF|o) \S+| -MD| -c(?= )', '', self.commands[path]))
        done = subprocess.run([*command, '-w', '-O2', '-S', '-o', '-'], cwd=self.build, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
        return hashlib.sha1(done.stdout).digest() if done.returncode == 0 else None

    def trial(self, mutant, limits):
        """`none` (it is no program, or the same one), `lives`, or the test that saw it."""
        path = os.path.join(self.root, mutant.file)
        text = open(path).read()
        if path not in self.optimised:
            self.optimised[path] = self.assembly(path)
        try:
            with open(path, 'w') as file:
                file.write(text[:mutant.start] + mutant.text + text[mutant.end:])
            if self.assembly(path) in (None, self.optimised[path]):
                return 'none'
            for test in TARGETS[mutant.file]['tests'].split():
                if not self.make(self.program(test)):
                    return 'none'
                if not self.passes(test, limits[test]):
                    return test
            return 'lives'
        finally:
            with open(path, 'w') as file:
                file.write(text)


def known_survivors():
    known = {}
    for number, line in enumerate(open('tests/mutants.known'), 1):
        if line.strip() and not line.startswith('#'):
            fields = line.rstrip('\n').split('\t')
            if len(fields) != 5 or not fields[4]:
                sys.exit(f'tests/mutants.known:{number}: not file, function, line, changed line and reason')
            known[tuple(fields[:4])] = number, fields[4].startswith('the same: ')
    return known


def try_all(mutants, jobs):
    copies = queue.Queue()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for copy in pool.map(Copy, range(jobs)):
            copies.put(copy)
        files = {m.file for m in mutants}
        tests = sorted({t for f in files for t in TARGETS[f]['tests'].split()})

        def prepare(copy):
            if not copy.make('tests/emulator/emqxtls-emulator', *[copy.program(t) for t in tests]):
                sys.exit('it does not build')
            return copy
        for copy in pool.map(prepare, list(copies.queue)):
            pass
        limits = {}
        for test in tests:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            if not copies.queue[0].passes(test, resource.RLIM_INFINITY):
                sys.exit(f'{test} fails without an error made')
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            limits[test] = int(5 + WORK_TIMES * worked)

        def trial(mutant):
            copy = copies.get()
            try:
                return copy.trial(mutant, limits)
            finally:
                copies.put(copy)
        for done, (mutant, result) in enumerate(zip(mutants, pool.map(trial, mutants)), 1):
            yield mutant, result
            if done % 50 == 0:
                print(f'{done} of {len(mutants)} tried at {time.monotonic() - START:.0f} s', flush=True)


def report(results, known, whole):
    wrong, lived = 0, set()
    counts = {}
    for mutant, result in results:
        row = counts.setdefault(mutant.file, [0, 0])
        same = known.get(mutant.key(), (0, False))[1]
        row[0] += result != 'none' and not same
        row[1] += result == 'lives' and not same
        if result == 'lives':
            lived.add(mutant.key())
            if mutant.key() not in known:
                print(f'{mutant.file}:{mutant.line}: {mutant.function}: no test sees `{mutant.after}`'
                      f' in the place of `{mutant.before}`\n  ' + '\t'.join(mutant.key()), flush=True)
                wrong += 1
    for key, (number, _) in known.items():
        if whole and key not in lived:
            print(f'tests/mutants.known:{number}: a test sees it, or it can be made no more: take it out')
            wrong += 1
    for file, (made, living) in counts.items():
        print(f'{file:32} {made:4} made, {living:2} not seen')
    made, living = sum(c[0] for c in counts.values()), sum(c[1] for c in counts.values())
    print(f'{made} mutants in {time.monotonic() - START:.0f} s, {living} survive ({100 * living / max(made, 1):.1f} %), '
          f'{wrong} without a reason or a use')
    return wrong > 0 or (whole and (made < LEAST_MADE or living > made * MOST_LIVING))


def main():
    options = argparse.ArgumentParser(usage=__doc__)
    options.add_argument('-a', action='store_true')
    options.add_argument('-l', action='store_true')
    options.add_argument('-j', type=int, default=os.cpu_count())
    options.add_argument('-p', default='1/1')
    options.add_argument('-f', action='append')
    given = options.parse_args()
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
    part, parts = map(int, given.p.split('/'))
    every = [m for file in given.f or TARGETS for m in mutants_of(file) if given.a or m.is_picked()]
    mutants = every[part - 1::parts]
    if given.l:
        for m in mutants:
            print(f'{m.file}:{m.line}: {m.function}: {m.before}  ->  {m.after}')
        print(len(mutants))
        return 0
    return report(try_all(mutants, given.j), known_survivors(), parts == 1 and not given.f)


if __name__ == "__main__":
    sys.exit(main())
