#!/usr/bin/env python3
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""event_loops.py EMULATOR LIBRARY BINDING PROGRAM... - the examples for event loops, and asyncio by the Python binding, each with
100 calls against the emulator.

That all calls end, that they run at the same time, and that nobody waits busily: a turn of the client is a few events of
a connection, and while all answers are held back the program uses hardly any of the processor.
"""
import asyncio
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

CALLS = 100
TURNS = 10  # of the client for a call, at most: connect, handshake, answer
HANG = 300  # seconds: longer than anything takes that does not hang
PER_DEPLOYMENT = 2
HOLD = 1  # seconds in which all calls wait for their answers


def check(good, what):
    if not good:
        sys.exit(f"FAILED: {what}")


# -- the emulator's control channel: answers are held back until they are released --------------------------------------


def control(path, body=None):
    request = urllib.request.Request(os.environ["EMULATOR_CONTROL"] + path, data=None if body is None else body.encode())
    with urllib.request.urlopen(request, timeout=HANG) as answer:
        return answer.read()


def hold(count):
    control("/faults", json.dumps({"hold": True, "times": count}))


def all_are_held():
    return json.loads(control("/counts"))["faults_left"] == 0


def release():
    control("/release", "")


# -- inside the process that uses the binding ---------------------------------------------------------------------------


def client(binding, secret="test-secret-kept-out-of-sight", quota_file="wide"):
    # The file is for every deployment apart, the binding's own limiters are for the whole key.
    limiter = binding.Limiter(quota_file, flags=PER_DEPLOYMENT) if quota_file else None
    return binding.AsyncClient(os.environ["EMQXCLOUD_PLATFORM_ENDPOINT"], "test-key", secret, limiter=limiter,
                               ca_file=os.environ["EMQXTLS_CA_FILE"])


async def until_all_are_held():
    while not all_are_held():
        await asyncio.sleep(0.01)


async def release_what_is_held():
    await until_all_are_held()
    release()


async def the_loop_stays_free(binding):
    """Another task of the loop releases the answers: were it kept waiting, they would never come."""
    c = client(binding)
    hold(CALLS)
    states, _ = await asyncio.gather(asyncio.gather(*(c.get(f"free{i}") for i in range(CALLS))), release_what_is_held())
    check(len(states) == CALLS and all(s.state.name == "ABSENT" for s in states), "not every deployment is without a certificate")
    c.close()


async def a_cancelled_task_cancels_its_call(binding):
    c = client(binding)
    hold(10)
    tasks = [asyncio.create_task(c.get(f"cancel{i}")) for i in range(10)]
    await until_all_are_held()
    tasks[3].cancel()
    await asyncio.wait([tasks[3]])
    check(tasks[3].cancelled(), "the task was not cancelled")
    check(not any(task.done() for task in tasks if task != tasks[3]), "others ended too")
    release()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    check(sum(isinstance(e, BaseException) for e in ended) == 1, "others were disturbed")
    c.close()


async def errors_and_the_end(binding):
    c = client(binding, secret="wrong")
    try:
        await c.get("d")
        check(False, "a wrong secret was accepted")
    except binding.Error as error:
        check(error.code.name == "UNAUTHORIZED" and error.http_status == 401, f"a wrong secret gives {error.code!r}")
    c.close()
    c = client(binding)
    hold(1)
    task = asyncio.create_task(c.get("d"))
    await until_all_are_held()
    c.close()
    ended, = await asyncio.gather(task, return_exceptions=True)
    check(isinstance(ended, binding.Error) and ended.code.name == "CANCELLED", f"closing gives {ended!r}")
    release()


async def the_quota_is_told(binding):
    c = client(binding, quota_file=None)
    ended = await asyncio.gather(*(c.get("q") for _ in range(70)), return_exceptions=True)
    refused = [e for e in ended if isinstance(e, binding.Error)]
    check(len(refused) == 10 and all(e.code.name == "RATE_LIMITED" for e in refused), f"{len(refused)} of 70 were refused")
    check(all(3600 < e.retry_after < 3700 for e in refused), "they were not told when to come back")
    c.close()


async def reads(binding, deployments):
    """What the examples do, by asyncio."""
    turns, failed, run = 0, 0, binding._c.client_run

    def counted(*arguments):
        nonlocal turns
        turns += 1
        return run(*arguments)

    binding._c.client_run = counted
    c = client(binding)

    async def show(deployment):
        nonlocal failed
        try:
            print(f"{deployment}: {(await c.get(deployment)).state_text or 'no certificate'}")
        except binding.Error as error:
            failed += 1
            print(f"{deployment}: {error} ({error.code.name})")

    await asyncio.gather(*map(show, deployments))
    c.close()
    print(f"{len(deployments)} calls, {failed} failed\n{turns} turns of the client")


def inside(path, deployments):
    spec = importlib.util.spec_from_file_location("emqxtls", path)
    binding = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(binding)
    if deployments:
        asyncio.run(reads(binding, deployments))
        return
    for test in (the_loop_stays_free, a_cancelled_task_cancels_its_call, errors_and_the_end, the_quota_is_told):
        asyncio.run(test(binding))
        print(f"ok: {test.__name__}")


# -- outside ------------------------------------------------------------------------------------------------------------


def processor_time(pid):
    """Of all its threads, in seconds."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def arrivals(prefix):
    with open("log", encoding="utf-8") as log:
        return sum(f"/{prefix}" in (json.loads(line).get("path") or "") for line in log)


def run(command, environment):
    """Exit code and output of a program."""
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=HANG)
    return done.returncode, done.stdout


def drive(name, command, environment):
    ids = [f"{name}{i}" for i in range(CALLS)]
    hold(CALLS)
    with subprocess.Popen(command + ids, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as program:
        while not all_are_held():  # so they are all under way at the same time
            check(program.poll() is None, f"{name} ended too early:\n{program.poll() and program.stdout.read()}")
            time.sleep(0.01)
        before = processor_time(program.pid)
        time.sleep(HOLD)
        waited = processor_time(program.pid) - before
        release()
        output, _ = program.communicate(timeout=HANG)
    check(program.returncode == 0, f"{name} ended with {program.returncode}:\n{output}")
    found = re.search(r"^100 calls, 0 failed\n(\d+) turns of the client$", output, re.M)
    check(found, f"{name} does not tell of 100 calls:\n{output}")
    print(f"{name}: {CALLS} calls, {found[1]} turns of the client, {waited:.2f} s of the processor in {HOLD} s of waiting")
    check(sorted(re.findall(r"^(\S+): no certificate$", output, re.M)) == sorted(ids), f"{name} lost a call:\n{output}")
    check(0 < int(found[1]) <= TURNS * CALLS, f"{name} took {found[1]} turns")
    check(waited < 0.2 * HOLD, f"{name} took {waited:.2f} s of the processor in {HOLD} s: it waits busily")
    check(arrivals(name) == CALLS, f"{arrivals(name)} requests of {name} arrived")


def sanitizer(library):
    """A sanitizer's runtime that the library needs and Python has not."""
    linked = subprocess.run(["ldd", library], stdout=subprocess.PIPE, text=True, check=True).stdout
    found = re.search(r"(/\S*lib(?:asan|tsan)\S*)", linked)
    return {"LD_PRELOAD": found[1]} if found else {}


def main(emulator, library, binding, *programs):
    environment = dict(os.environ, EMQXCLOUD_PLATFORM_API_KEY="test-key", EMQXTLS_LIBRARY=library, PYTHONDONTWRITEBYTECODE="1",
                       EMQXCLOUD_PLATFORM_API_SECRET="test-secret-kept-out-of-sight")
    for name in list(environment):
        if name.lower().endswith("_proxy"):
            del environment[name]
    server = subprocess.Popen([emulator, "--tls-dir", ".", "--ready-file", "ready", "--log", "log", "--lifetime", "3600",
                               "--scope", "deployment", "--reads", "100000"],
                              env=environment, stdout=subprocess.DEVNULL)
    try:
        while not os.path.exists("ready"):
            check(server.poll() is None, "the emulator does not start")
            time.sleep(0.05)
        with open("ready", encoding="utf-8") as ready:
            environment.update(line.strip().split("=", 1) for line in ready if "=" in line)
        os.environ.update(environment)
        environment.update(EMQXTLS_CA_FILE=os.path.abspath("ca.pem"), EMQXTLS_QUOTA_FILE="wide")
        # Python and libcurl keep what they keep until they end.
        python = dict(environment, **sanitizer(library),
                      ASAN_OPTIONS=environment.get("ASAN_OPTIONS", "") + ":detect_leaks=0")
        asyncio_reads = [sys.executable, SELF, "inside", binding]
        code, output = run(asyncio_reads, python)  # makes the quota file too
        print(output, end="")
        check(code == 0, "the binding")
        for program in programs:
            drive(os.path.basename(program).removeprefix("event-loop-"), [program], environment)
        drive("asyncio", asyncio_reads, python)
    finally:
        server.terminate()
        server.wait()


SELF = os.path.abspath(__file__)

if __name__ == "__main__":
    if sys.argv[1] == "inside":
        inside(sys.argv[2], sys.argv[3:])
    else:
        paths = [os.path.abspath(path) for path in sys.argv[1:]]
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            main(*paths)
