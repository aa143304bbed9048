#!/usr/bin/env python3
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""Runs the benchmarks against nginx on loopback and prints them as a table in Markdown.

  run.py [--quick] [--update FILE] SOURCE-DIR BUILD-DIR

BUILD-DIR is a release build. --update replaces the table in FILE, between its two markers. Ratios are between programs that took turns in
one run; what misses its mark is printed as it is, and the exit code does not tell.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

from server import NGINX, Server, make_material

BEGIN, END = "<!-- results -->\n", "<!-- end of results -->\n"


class Bench:
    def __init__(self, source, build, folder, quick):
        self.source, self.build, self.folder, self.quick = source, build, folder, quick
        self.rows, self.quota_lines = [], []
        make_material(folder)
        self.server = Server(folder)
        self.environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        self.environment["BENCH_CA_FOLDER"] = self.file("cas")  # used where no CA file is given

    def file(self, name):
        return os.path.join(self.folder, name)

    def program(self, name):
        return os.path.join(self.build, "tests", "bench", "bench-" + name)

    def run(self, command, fine=(0,)):
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, env=self.environment, check=False)
        if done.returncode not in fine:
            raise SystemExit("%s failed:\n%s" % (" ".join(command), done.stdout + done.stderr))
        return done.stdout

    def table(self, command):
        return [line.split("\t") for line in self.run(command).splitlines()]

    def row(self, what, result, mark="", met=None):
        self.rows.append((what, result, mark, "" if met is None else "yes" if met else "**no**"))
        print("%-70s %-34s %-22s %s" % self.rows[-1], file=sys.stderr, flush=True)

    def ratio(self, what, value, most, detail=""):
        self.row(what, "%.2f%s" % (value, detail), "at most %.2f" % most, value <= most + 0.005)

    # -- programs

    def calls(self, how, port, rounds, calls, subjects, ca="ca.pem"):
        command = [self.program("calls"), how, self.server.endpoint(port), self.file(ca), self.file("chain.pem"),
                   self.file("leaf.key"), str(rounds // 10 if self.quick else rounds), str(calls)]
        names = ["us", "ratio", "allocations", "own", "idle"]
        return [dict(zip(names, map(float, line[1:]))) for line in self.table(command + subjects)]

    def many(self, endpoint, in_flight, rounds, calls, subjects, ca="ca.pem"):
        command = [self.program("many"), endpoint, ca and self.file(ca), str(in_flight),
                   str(max(rounds // 10, 2) if self.quick else rounds), str(calls)]
        names = ["us", "ratio", "connecting", "connected"]
        return [dict(zip(names, map(float, line[1:]))) for line in self.table(command + subjects)]

    def instructions(self, command, calls):
        """Of one call, once the program is warm."""
        out = self.file("callgrind.out")
        self.run(["valgrind", "--tool=callgrind", "--toggle-collect=bench_measured", "--callgrind-out-file=" + out] + command)
        with open(out, encoding="ascii", errors="replace") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("summary:")) / calls

    def call_instructions(self, how, port, subject, calls, ca="ca.pem"):
        return self.instructions([self.program("calls"), how, self.server.endpoint(port), self.file(ca), self.file("chain.pem"),
                                  self.file("leaf.key"), "1", str(calls), subject], calls)

    def many_instructions(self, port, subject):
        return self.instructions([self.program("many"), self.server.endpoint(port), self.file("ca.pem"), "64", "1", "1500",
                                  subject], 1500)

    # -- what the table has

    def warm(self):
        plain, again, library, bare = self.calls("get", "h1", 600, 20, ["plain", "again", "library", "bare"])
        counts = [self.call_instructions("get", "late", s, 300) for s in ("plain", "library", "bare")]
        self.row("**Blocking GET, warm connection**: plain libcurl + jansson",
                 "%.0f us, %.0f instructions, %.0f allocations" % (plain["us"], counts[0], plain["allocations"]))
        self.row("bare OpenSSL connection, instructions and wall", "%.2f, %.2f" % (counts[2] / counts[0], bare["ratio"]))
        self.row("`curl` and `jq` in a shell loop, wall", "%.0f" % (self.shell() / plain["us"]))
        self.ratio("this library, instructions", counts[1] / counts[0], 0.80, " (%.0f)" % counts[1])
        self.ratio("this library, allocations", library["allocations"] / plain["allocations"], 0.85,
                   " (%.1f)" % library["allocations"])
        self.row("of them the library's own", "%.3f" % library["own"], "0", library["own"] == 0)
        noise = abs(again["ratio"] - 1)
        self.row("this library, wall", "%.3f" % library["ratio"], "at most 1.00 +- noise", library["ratio"] <= 1 + noise)
        self.row("the plain program against itself, wall", "%.3f" % again["ratio"])
        self.row("own heap of an idle client, its quota included", "%.0f bytes" % library["idle"], "at most 8192",
                 library["idle"] <= 8192)

    def shell(self):
        """Microseconds for one call."""
        times = []
        script = 'for i in 1 2 3 4 5; do curl -s --cacert "$1" -u "$2" "$3" | jq -r .status; done'
        for _ in range(3):
            begin = time.monotonic()
            self.run(["sh", "-c", script, "sh", self.file("ca.pem"), "key:secret",
                      self.server.endpoint("h1") + "/deployments/ge6a1a75/tls"])
            times.append((time.monotonic() - begin) / 5 * 1e6)
        return statistics.median(times)

    def put(self):
        subjects = ["careful", "careful-again", "library-unsure"]
        careful, again, unsure = self.calls("put", "h1", 200, 3, subjects)
        names = ("careful", "library-unsure")
        counts = {s: self.call_instructions("put", "h1", s, 20) for s in names}
        by_hand = counts["careful"]
        self.row("**PUT, 10 KiB, fresh connection**: by hand, CA store cached, body escaped",
                 "%.0f us, %.2f million instructions" % (careful["us"], by_hand / 1e6))
        self.row("the same program against itself, wall", "%.3f" % again["ratio"])
        self.ratio("this library without the local check, wall", unsure["ratio"], 1.05)
        self.row("the same, instructions", "%.2f" % (counts["library-unsure"] / by_hand))
        encoded = {line[0]: line[1:] for line in self.table([self.program("encode")])}
        self.ratio("encoding of the body against a plain escape loop", float(encoded["library"][1]), 1.5,
                   " (%s us; jansson %s)" % (encoded["library"][0], encoded["jansson"][1]))

    def check(self):
        program = [self.program("check"), self.file("chain.pem"), self.file("leaf.key")]
        hand, again, library = ([float(value) for value in line[1:]]
                                for line in self.table(program + ["20" if self.quick else "200", "3"]))
        counts = [self.instructions(program + ["1", "20", s], 20) for s in ("hand", "library")]
        self.row("**The local check of 10 KiB**: the same proofs by hand with OpenSSL",
                 "%.0f us, %.1f million instructions" % (hand[0], counts[0] / 1e6))
        self.row("the same program against itself, wall", "%.3f" % again[1])
        self.ratio("this library, instructions", counts[1] / counts[0], 1.20)
        self.row("this library, wall", "%.3f" % library[1])

    def fresh(self):
        one, bundle = self.file("ca.pem"), self.file("bundle.pem")
        hand, again, library = self.calls("get", "close", 200, 3, ["plain=" + one, "again=" + one, "library=" + bundle])
        # Not in the run above: what it gives back to malloc costs the one that comes after it.
        defaults, beside = self.calls("get", "close", 40, 2, ["plain=" + bundle, "library=" + bundle])
        self.row("**Fresh connection**: by hand with a CA file of one certificate", "%.0f us" % hand["us"])
        self.row("the same program against itself, wall", "%.3f" % again["ratio"])
        self.ratio("this library with the system's bundle, against that", library["ratio"], 1.1)
        self.row("libcurl's defaults with the system's bundle",
                 "%.0f us, %.0f allocations" % (defaults["us"], defaults["allocations"]))
        times = defaults["us"] / beside["us"]
        self.row("this library with the system's bundle, times faster than those", "%.1f" % times, "at least 15", times >= 15)
        first = self.first(["plain=" + one, "plain=" + bundle, "library=" + one, "library=" + bundle, "library="])
        self.row("first call of a short process, start to end: by hand with one certificate", "%.1f ms" % first[0])
        self.row("by hand, libcurl's defaults with the bundle", "%.1f ms" % first[1])
        self.row("this library, one certificate", "%.1f ms" % first[2])
        self.row("this library, the bundle as ca_file", "%.1f ms" % first[3])
        self.ratio("this library, the system's hashed folder, against one certificate", first[4] / first[2], 1.15,
                   " (%.1f ms)" % first[4])
        for ca, name in (("bundle.pem", "bundle"), ("", "hashed folder")):
            library, = self.many(self.server.endpoint("slow1"), 256, 2, 512, ["library"], ca=ca)
            heap = max(library["connecting"], library["connected"]) / 1e6
            self.row("256 connections with the system's %s, heap in all" % name, "%.1f MB" % heap, "at most 24", heap <= 24)

    def first(self, subjects):
        times = [[] for _ in subjects]
        for _ in range(3 if self.quick else 15):
            for i, subject in enumerate(subjects):
                begin = time.monotonic()
                self.run([self.program("calls"), "first", self.server.endpoint("h1"), self.file("ca.pem"),
                          self.file("chain.pem"), self.file("leaf.key"), "1", "1", subject])
                times[i].append((time.monotonic() - begin) * 1e3)
        return [statistics.median(t) for t in times]

    def in_flight(self):
        for port, slow, name in (("h1", "slow1", "HTTP/1.1"), ("h2", "slow2", "HTTP/2")):
            plain, again, library = self.many(self.server.endpoint(port), 64, 60, 1500, ["plain", "again", "library"])
            counts = [self.many_instructions(slow, s) for s in ("plain", "library")]
            self.row("**64 in flight, %s**: a plain curl_multi loop" % name,
                     "%.1f us, %.0f instructions" % (plain["us"], counts[0]))
            self.ratio("this library, instructions", counts[1] / counts[0], 0.85)
            self.row("this library, wall", "%.3f" % library["ratio"], "at most 1.00 +- noise",
                     library["ratio"] <= 1 + abs(again["ratio"] - 1))
            self.row("the plain loop against itself, wall", "%.3f" % again["ratio"])

    def late(self):
        """A server that answers late, and has a worker a core so that its latency is what limits. What one call alone takes is that latency."""
        server = Server(self.folder, workers=2)
        try:
            for port, name in (("slow1", "HTTP/1.1"), ("slow2", "HTTP/2")):
                alone, = self.many(server.endpoint(port), 1, 3, 40, ["plain"])
                plain, library = self.many(server.endpoint(port), 256, 10, 256 * 40, ["plain", "library"])
                share = [alone["us"] / 256 / who["us"] for who in (plain, library)]
                self.row("**256 in flight at 50 ms, %s**: share of the possible rate" % name,
                         "%.1f %% (plain loop %.1f %%)" % (100 * share[1], 100 * share[0]), "at least 97 %", share[1] >= 0.97)
        finally:
            server.stop()

    def quota(self):
        """These three have a page of figures of their own, which is taken as it is, also when a mark is missed (1)."""
        for store in ("memory", "file", "redis"):
            program = self.program("limiter_" + store)
            if os.path.exists(program):
                self.quota_lines += [line for line in self.run([program], fine=(0, 1)).splitlines() if "  " in line]

    def sweep(self):
        lines = self.table([self.program("sweep"), self.server.endpoint("h1"), self.file("ca.pem")])
        for what, at, unit in (("time per call", 1, "us"), ("own memory per call in flight", 2, "bytes")):
            values = [float(line[at]) for line in lines]
            spread = max(values) / min(values)
            self.row("**1,000, 10,000, 100,000 deployments**: " + what,
                     "%s %s" % (", ".join(line[at] for line in lines), unit), "flat, +-15 %", spread <= 1.30)
        self.row("own memory per read in flight", "%s bytes" % lines[-1][2], "at most 2048", float(lines[-1][2]) <= 2048)

    def size(self):
        build = self.file("minsize")
        self.run(["meson", "setup", build, self.source, "--buildtype=minsize", "-Dtests=false", "-Dexamples=false"])
        library = "lib/libemqxtls.so.0.1.0"
        self.run(["ninja", "-C", build, library])
        sections = self.run(["size", "-A", os.path.join(build, library)]).splitlines()
        code = next(int(line.split()[1]) for line in sections if line.startswith(".text "))
        whole = int(self.run(["size", os.path.join(build, library)]).splitlines()[1].split()[0])
        self.row("**Size of the shared library at -Os**: section .text", "%.1f KiB" % (code / 1024), "at most 64",
                 code <= 65536)
        self.row("the text column of size(1): with constants, tables for unwinding and linking",
                 "%.1f KiB" % (whole / 1024), "at most 64", whole <= 65536)

    def markdown(self):
        lines = ["| what | measured | mark | met |", "|---|---|---|---|"]
        lines += ["| %s | %s | %s | %s |" % row for row in self.rows]
        if self.quota_lines:
            lines += ["", "The quota alone, by `bench-limiter_memory`, `_file` and `_redis`:", "", "```"] + self.quota_lines + ["```"]
        return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rounds: to see that it works")
    parser.add_argument("--update", metavar="FILE")
    parser.add_argument("--only", metavar="PART", action="append", help="warm, put, check, fresh, in_flight, late, sweep, quota, size")
    parser.add_argument("source")
    parser.add_argument("build")
    arguments = parser.parse_args()
    if not os.path.exists(NGINX):
        print("nginx is not here: run tests/packages.sh bench")
        sys.exit(77)  # skipped
    with tempfile.TemporaryDirectory(prefix="emqxtls-bench-") as folder:
        os.chmod(folder, 0o755)  # nginx's worker runs as another user
        bench = Bench(arguments.source, arguments.build, folder, arguments.quick)
        try:
            for part in arguments.only or ["warm", "put", "check", "fresh", "in_flight", "late", "sweep", "quota", "size"]:
                getattr(bench, part)()
        finally:
            bench.server.stop()
    print(bench.markdown(), end="")
    if arguments.update:
        with open(arguments.update, encoding="utf-8") as file:
            page = file.read()
        head, rest = page.split(BEGIN)
        with open(arguments.update, "w", encoding="utf-8") as file:
            file.write(head + BEGIN + bench.markdown() + END + rest.split(END)[1])


main()
