#!/usr/bin/env python3
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""draw.py [--check] - writes the pictures beside it; with --check says whether they are as this script draws them."""
import pathlib
import sys

from picture import Picture


def slot():
    p = Picture(900, 372, "A slot's life", "When a slot of the quota is taken and when it is free again, in four cases")
    left, leave, answer, give_up, free, late = 170, 240, 330, 400, 690, 770
    rows = [
        ("answered", answer, 0, free, "held: one window from the answer on"),
        ("no answer", give_up, 60, late + 50, "60 s, then one window"),
        ("holder died", give_up, 60, late + 50, "lease over, 60 s, then one window"),
    ]
    p.text(left, 28, "reserved", "soft", "middle")
    p.text(leave, 28, "leaves", "soft", "middle")
    for i, (name, end, extra, until, words) in enumerate(rows):
        y = 48 + 82 * i
        p.text(16, y + 24, name, "title")
        p.bar(left, y, leave - left, 36, "calm", "waits")
        p.bar(leave, y, end - leave, 36, "warn", "in flight")
        begin = end
        if extra:
            p.bar(end, y, 50, 36, "bad", "60 s")
            begin += 50
        p.bar(begin, y, until - begin, 36, "calm", "one window: 60 min and 2.8 s" if not extra else "one window")
        p.line((end, y - 4), (end, y + 44), kind="mark")
        p.text(end, y + 58, {"answered": "the answer comes", "no answer": "the call gives up", "holder died": "its lease is over"}[name],
               "soft", "middle")
        p.text(until + 8, y + 24, "free")
    y = 48 + 82 * 3
    p.text(16, y + 24, "never left", "title")
    p.bar(left, y, leave - left, 36, "calm", "waits")
    p.text(leave + 8, y + 24, "free at once: certain that no byte left")
    p.text(16, 362, "A 429 keeps its slot. The 2.8 s allow for whole seconds and for clocks that differ by 0.05 %.", "soft")
    return p


def windows():
    p = Picture(900, 424, "Three ways to count six in an hour",
                "A fixed window lets twelve through in ten minutes, a bucket eleven in an hour, the sliding log six in any hour")
    left, hour = 206, 312

    def at(minute):
        return left + hour * minute / 60

    def lane(y, name, what, minutes, begin, end, words, fill):
        p.text(16, y + 6, name, "title")
        p.text(16, y + 26, what, "soft")
        p.bar(at(begin), y - 22, at(end) - at(begin), 44, fill)
        p.line((left, y), (at(126), y))
        for minute in minutes:
            p.dot(at(minute), y)
        p.text((at(begin) + at(end)) / 2, y + 42, words, "", "middle")

    lane(70, "Fixed window", "starts anew each hour", [50, 52, 54, 56, 57.5, 59, 61, 62.5, 64, 66, 68, 70], 50, 70,
         "12 within 20 minutes", "bad")
    lane(190, "Token bucket", "6, and one more each 10 min", [0, 1.5, 3, 4.5, 6, 7.5, 10, 20, 30, 40, 50, 60], 0, 59.5,
         "11 within an hour", "bad")
    lane(310, "Sliding log", "what this library does", [0, 12, 20, 31, 40, 52, 61.5, 74, 82, 93, 102, 114], 31, 91.5,
         "6 in every hour, wherever it begins", "good")
    for minute in (0, 60, 120):
        p.line((at(minute), 30), (at(minute), 372), kind="line dash")
        p.text(at(minute), 390, f"{minute} min", "soft", "middle")
    p.text(16, 414, "The platform does not say how it counts. At most six in every hour is right for each of the three.", "soft")
    return p


def where():
    p = Picture(900, 330, "Where the quota lives", "One process: memory. One machine: a file. Many hosts: Redis")
    columns = [(20, "One process", "memory", "emqx_tls_limiter_new"), (320, "One machine", "a file", "emqx_tls_limiter_open_file"),
               (620, "Many hosts", "Redis", "emqx_tls_limiter_open_redis")]
    for x, name, store, call in columns:
        p.text(x + 130, 24, name, "title", "middle")
        p.box(x + 50, 220, 160, 48, [store, "60 reads, 6 writes"], "good")
        p.text(x + 130, 294, call, "soft", "middle")
    p.bar(20, 40, 260, 150, "paper")
    p.text(32, 60, "process", "soft")
    for x in (36, 156):
        p.box(x, 80, 108, 44, "client")
        p.arrow((x + 54, 124), (x + 54, 150), (150, 150), (150, 218))
    p.bar(320, 40, 260, 150, "paper")
    p.text(332, 60, "machine", "soft")
    for x, name in ((332, "job"), (416, "service"), (500, "shell")):
        p.box(x, 80, 72, 44, name)
        p.arrow((x + 36, 124), (x + 36, 150), (450, 150), (450, 218))
    for x, name in ((620, "host A"), (710, "host B"), (800, "host C")):
        p.bar(x, 40, 80, 110, "paper")
        p.text(x + 12, 60, name, "soft")
        p.box(x + 8, 80, 64, 44, "client")
        p.arrow((x + 40, 124), (x + 40, 170), (750, 170), (750, 218))
    p.text(16, 320, "Everybody who uses one API key has to count in one place.", "soft")
    return p


def ensure():
    p = Picture(900, 620, "ensure, from reading to running", "The steps of emqx_tls_ensure, and every way in which it ends")
    mid, right = 320, 640
    p.box(20, 20, 250, 46, ["check the certificate", "no network"])
    p.arrow((270, 43), (mid, 43))
    p.box(mid, 20, 230, 46, ["read the status", "one read"])
    p.arrow((145, 66), (145, 110))
    p.box(20, 112, 250, 42, ["CHECK", "refused: nothing was sent"], "bad")
    p.arrow((mid + 230, 43), (right, 43), words="no answer")
    p.box(right, 14, 240, 58, ["TRANSPORT, TIMEOUT", "RATE_LIMITED, STORE: again later"], "warn")
    p.arrow((445, 66), (445, 110))
    p.box(mid, 112, 230, 46, ["compare", "type, expire, cn; receipt"])
    p.arrow((mid + 230, 135), (right, 135), words="ends earlier")
    p.box(right, 112, 240, 46, ["CHECK", "unless ALLOW_EARLIER"], "bad")
    p.arrow((380, 158), (380, 184), (145, 184), (145, 210))
    p.text(236, 178, "it is there", "soft", "middle")
    p.box(20, 212, 250, 46, ["in place", "nothing is written"], "good")
    p.arrow((445, 158), (445, 210), words="another, or none", shift=(62, 6))
    p.box(mid, 212, 230, 46, ["write: PUT, or POST", "at most one write"])
    p.arrow((mid + 230, 235), (right, 235), words="422, 403")
    p.box(right, 212, 240, 46, ["UNPROCESSABLE ...", "the platform refuses"], "bad")
    p.arrow((500, 258), (500, 284), (770, 284), (770, 308))
    p.text(636, 278, "no answer: was it carried out?", "soft", "middle")
    p.box(right, 310, 240, 58, ["lost write", "60 s later a read tells"], "warn")
    p.arrow((right, 339), (mid + 230, 339), words="it was", shift=(0, -6))
    p.arrow((770, 368), (770, 396))
    p.box(right, 398, 240, 46, ["wait_ms is over first", "its own error, MAYBE"], "warn")
    p.arrow((445, 258), (445, 310), words="accepted", shift=(-36, 6))
    p.box(mid, 312, 230, 56, ["wait until it runs", "5, 10, 20, 40, then 60 s"])
    p.arrow((145, 258), (145, 339), (mid, 339))
    p.text(200, 333, "pending", "soft", "middle")
    p.arrow((mid + 44, 368), (mid + 44, 384), (165, 384), (165, 398))
    p.text(260, 378, "failed", "soft", "middle")
    p.box(66, 400, 204, 46, ["FAILED", "the platform can't use it"], "bad")
    p.arrow((500, 368), (500, 396))
    p.box(mid + 60, 398, 170, 46, ["TIMEOUT", "call again: it goes on"], "warn")
    p.arrow((mid + 20, 368), (mid + 20, 500))
    p.text(mid + 28, 482, "running", "soft")
    p.box(mid - 60, 502, 230, 46, ["probe, if asked for", "is this one served?"])
    p.arrow((mid + 170, 525), (right, 525), words="yes")
    p.box(right, 502, 240, 46, ["OK", "created, updated, unchanged"], "good")
    p.arrow((42, 258), (42, 570), (right + 110, 570), (right + 110, 550))
    p.text(200, 564, "runs already", "soft", "middle")
    p.text(16, 608, "Every end may be followed by the same call again: it reads what is there and goes on.", "soft")
    return p


def errors():
    p = Picture(900, 500, "Which error, and what now", "A tree of questions from an error to what to do")
    p.box(20, 200, 170, 50, ["a call failed", "error.code"])
    rows = [
        (20, "INVALID, CHECK", "nothing was sent", "mend what it names", "bad"),
        (100, "UNAUTHORIZED, FORBIDDEN", "UNPROCESSABLE, FAILED", "mend key, rights or certificate", "bad"),
        (180, "RATE_LIMITED", "no quota, or a 429", "wait error.retry_after_ms", "warn"),
        (260, "NOT_FOUND", "404", "is it the ID? else: no certificate", "warn"),
        (340, "STORE", "quota or receipt", "mend it; nothing was sent", "bad"),
    ]
    for y, name, what, mend, fill in rows:
        p.arrow((190, 225), (220, 225), (220, y + 25), (250, y + 25))
        p.box(250, y, 240, 50, [name, what])
        p.arrow((490, y + 25), (650, y + 25))
        p.box(650, y, 230, 50, mend, fill)
    y = 420
    p.arrow((190, 225), (220, 225), (220, y + 25), (250, y + 25))
    p.box(250, y, 240, 50, ["TRANSPORT, TIMEOUT", "HTTP, PROTOCOL, CANCELLED"])
    p.arrow((490, y + 12), (650, y + 12), words="a read, or NOT_SENT")
    p.box(650, y - 8, 230, 32, "try again later", "good")
    p.arrow((490, y + 42), (650, y + 42), words="a write, MAYBE", shift=(0, 16))
    p.box(650, y + 30, 230, 32, "read the status first, or ensure", "warn")
    return p


def layers():
    p = Picture(900, 400, "The layers of the library", "provision over call over wire, limiter, transport and check, over base")
    p.box(20, 16, 620, 50, ["provision", "ensure, wait, remove, probe: one desired state, fewest writes"])
    p.arrow((330, 66), (330, 90))
    p.box(20, 92, 620, 50, ["call", "one operation as a machine, and the client that drives many"])
    for i, (name, what) in enumerate([("wire", "bytes, no I/O"), ("check", "X.509"), ("limiter", "the quota"), ("transport", "libcurl")]):
        x = 20 + 158 * i
        p.arrow((x + 73, 142), (x + 73, 166))
        p.box(x, 168, 146, 50, [name, what])
        p.arrow((x + 73, 218), (x + 73, 252))
    p.box(20, 254, 620, 50, ["base", "structs with a size, errors, memory, time, small files"])
    p.text(785, 76, "what you may plug in", "title", "middle")
    for y, name in ((92, "log, allocator, clock"), (168, "another HTTP stack"), (222, "a quota store")):
        p.box(690, y + 4, 190, 42, name, "good")
    p.arrow((690, 117), (640, 117))
    p.arrow((690, 193), (640, 193))
    p.arrow((690, 236), (372, 236), (372, 218))
    p.box(20, 330, 300, 44, ["libemqxtls-redis", "the quota in Redis: a library of its own"])
    p.box(340, 330, 300, 44, ["libemqxtls-test", "script, virtual clock, allocator"])
    p.text(16, 394, "A lower part never knows a higher one. All waiting happens in one place.", "soft")
    return p


PICTURES = {"slot": slot, "windows": windows, "quota": where, "ensure": ensure, "errors": errors, "layers": layers}


def main():
    here, stale = pathlib.Path(__file__).parent, 0
    for name, draw in PICTURES.items():
        path, svg = here / f"{name}.svg", draw().svg()
        if "--check" not in sys.argv:
            path.write_text(svg, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != svg:
            print(f"{path.name} is not as draw.py draws it: run docs/pictures/draw.py")
            stale += 1
    print(f"{len(PICTURES)} pictures")
    sys.exit(stale > 0)


main()
