#!/usr/bin/env python3
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""conformance.py - the Python binding's part of scenario.txt: reads lines, answers each."""
import asyncio
import concurrent.futures
import os
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples/bindings/python"))
import emqxtls  # noqa: E402

ENVIRONMENT = os.environ
client, logs = None, []


def read(path):
    with open(path, "rb") as file:
        return file.read()


def request(cert, key):
    return emqxtls.Request(read(cert), read(key))


def transport(answer):
    def carry_out(method, url, headers, body, timeout):
        assert method and url.startswith("https://") and headers["Authorization"] and timeout > 0
        status, text = answer.split(":", 1)  # "throws" has none
        return emqxtls.Reply(int(status), text.encode())
    return carry_out


def made(kind=emqxtls.Client, **options):
    quota = options.pop("quota", None)
    if "transport" not in options:
        options["proxy"] = ""
    return kind(options.pop("endpoint", ENVIRONMENT["EMQXCLOUD_PLATFORM_ENDPOINT"]), ENVIRONMENT["EMQXCLOUD_PLATFORM_API_KEY"],
                options.pop("secret", ENVIRONMENT["EMQXCLOUD_PLATFORM_API_SECRET"]),
                limiter=options.pop("limiter", None) or (emqxtls.Limiter(quota) if quota else None), **options)


def status(s):
    return f"state={s.state.name} type={s.type.name} cn={s.common_name}"


def do_open(*words):
    global client
    options = dict(word.split("=", 1) for word in words)
    logs.clear()
    if options.pop("log", None):
        options["log"] = lambda level, line: logs.append(line)
    if "transport" in options:
        options["transport"] = transport(options["transport"])
    else:
        options["ca_file"] = ENVIRONMENT["EMQXTLS_CA_FILE"]
    client = made(**options)
    return ""


def do_get(deployment):
    return status(client.get(deployment))


def do_create(deployment, cert, key):
    return status(client.create(deployment, request(cert, key)))


def do_update(deployment, cert, key):
    return status(client.update(deployment, request(cert, key)))


def do_delete(deployment):
    client.delete(deployment)
    return ""


def do_wait(deployment, seconds):
    return status(client.wait(deployment, float(seconds)))


def do_remove(deployment, seconds):
    client.remove(deployment, float(seconds))
    return ""


def do_ensure(deployment, cert, key, seconds):
    r = client.ensure(deployment, request(cert, key), wait=float(seconds))
    return f"action={r.action.name} writes={r.writes} certain={int(r.certain)} {status(r.status)}"


def do_quota(kind):
    q = client.limiter.query(emqxtls.Op.GET if kind == "READ" else emqxtls.Op.UPDATE)
    return f"limit={q.limit} used={q.used}"


def do_logs():
    secret = ENVIRONMENT["EMQXCLOUD_PLATFORM_API_SECRET"]
    return f"some={int(len(logs) > 0)} secret={int(any(secret in line for line in logs))}"


async def together(count, prefix):
    async with made(emqxtls.AsyncClient, ca_file=ENVIRONMENT["EMQXTLS_CA_FILE"]) as c:
        answers = await asyncio.gather(*(c.get(f"{prefix}{i}") for i in range(count)))
        return sum(s.state == emqxtls.State.ABSENT for s in answers)


def do_many(count, prefix):
    return f"ok={asyncio.run(together(int(count), prefix))}"


async def cancelled(deployment):
    async with made(emqxtls.AsyncClient, ca_file=ENVIRONMENT["EMQXTLS_CA_FILE"]) as c:
        task = asyncio.create_task(c.get(deployment))
        await asyncio.sleep(0.3)  # under way
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return


def do_cancel(deployment):
    asyncio.run(cancelled(deployment))
    return "code=CANCELLED"


def do_close():
    client.close()
    return ""


# -- misuse ------------------------------------------------------------------------------------------------------------


def own(**options):
    return made(transport=transport('200:{"status":"running"}'), **options)


def threads():
    with own() as c:
        states = []
        runners = [threading.Thread(target=lambda: states.append(c.get("d1").state)) for _ in range(8)]
        for runner in runners:
            runner.start()
        for runner in runners:
            runner.join()
        return states == [emqxtls.State.RUNNING] * 8


def callbacks_throw():
    with own(log=lambda level, line: 1 / 0) as c:
        return c.get("d1").state == emqxtls.State.RUNNING and isinstance(c.failure, ZeroDivisionError)


def dropped_in_done():
    c, future = own(), concurrent.futures.Future()
    future.add_done_callback(lambda _: c.close())
    c._submit(next(c._numbers), future, "submit", (emqxtls.Op.GET, b"d1", None))
    c._run(1000)
    return future.result(0) and c._handle is None and dropped_in_callback()


def dropped_in_callback():
    c = own(log=lambda level, line: c.close())
    try:
        return c.get("d1").state == emqxtls.State.RUNNING and c._handle is None
    except emqxtls.Error as error:
        return error.code == emqxtls.Code.CANCELLED and c._handle is None


async def before():
    async with made(emqxtls.AsyncClient, ca_file=ENVIRONMENT["EMQXTLS_CA_FILE"]) as c:
        task = asyncio.create_task(c.get("absent"))
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return (await c.get("absent")).state == emqxtls.State.ABSENT


def cancelled_before():
    return asyncio.run(before())


async def after():
    async with made(emqxtls.AsyncClient, ca_file=ENVIRONMENT["EMQXTLS_CA_FILE"]) as c:
        task = asyncio.create_task(c.get("absent"))
        await task
        return not task.cancel() and (await c.get("absent")).state == emqxtls.State.ABSENT


def cancelled_after():
    return asyncio.run(after())


def fork():
    with own() as c:
        child = os.fork()
        if child == 0:
            try:
                c.get("d1")
            except emqxtls.Error as error:
                os._exit(0 if error.code == emqxtls.Code.INVALID else 1)
            os._exit(1)
        return os.waitpid(child, 0)[1] == 0 and c.get("d1").state == emqxtls.State.RUNNING


def interrupted():
    """Ctrl-C in a long ensure: it ends, with KeyboardInterrupt."""
    asked = threading.Event()

    def press():  # once, while the ensure pauses
        asked.wait()
        os.kill(os.getpid(), signal.SIGINT)

    def busy(*_):
        asked.set()
        return emqxtls.Reply(200, b'{"status":"terminated"}')  # waited out
    folder = os.path.dirname(ENVIRONMENT["EMQXTLS_CA_FILE"])
    signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs behind a shell has it ignored
    with made(transport=busy) as c:
        threading.Thread(target=press, daemon=True).start()
        try:
            c.ensure("d1", request(f"{folder}/one.pem", f"{folder}/one.key"), wait=600)
        except KeyboardInterrupt:
            return not c._waiting and interrupted_anywhere()
    return False


def interrupted_at(c, place):
    """Presses Ctrl-C at the n-th step of what C calls back. Was it reached, and did it come out?"""
    steps, callbacks = 0, {"_on_start", "_on_done", "<lambda>"}

    def trace(frame, event, _):
        nonlocal steps
        outer = frame
        while outer and outer.f_code.co_name not in callbacks:
            outer = outer.f_back
        if outer and outer.f_code.co_filename == emqxtls.__file__:
            steps += 1
            if steps == place:
                signal.raise_signal(signal.SIGINT)
        return trace
    sys.settrace(trace)
    try:
        c.get("d1")
        return steps >= place, False
    except KeyboardInterrupt:
        return True, True
    finally:
        sys.settrace(None)


def interrupted_anywhere():
    """The first lines of callbacks are no exception, where nobody could catch it; and the client goes on."""
    place = 0
    with own(log=lambda level, line: None, limiter=emqxtls.Limiter(reads=1000)) as c:
        while True:
            place += 1
            reached, came_out = interrupted_at(c, place)
            if not reached:
                return place > 50
            if not came_out or c._waiting or c.get("d1").state != emqxtls.State.RUNNING:
                print(f"Ctrl-C at step {place} of the callbacks", file=sys.stderr)
                return False


def do_misuse(name):
    misuse = interrupted if name == "signal" else globals()[name]
    return f"ok={int(bool(misuse()))}"


def main():
    for line in sys.stdin:
        verb, *words = line.split()
        try:
            told = globals()[f"do_{verb}"](*words)
            print("code=OK", told) if "code=" not in told else print(told)
        except emqxtls.Error as e:
            print(f"code={e.code.name} http={e.http_status} delivery={e.delivery.name} api={e.api_code} "
                  f"retry={int(e.retry_after is not None)}")
        sys.stdout.flush()


main()
