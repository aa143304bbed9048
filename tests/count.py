#!/usr/bin/env python3
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""count.py NAME [testlog.json] - one line with the results of a run of meson test: passed, failed, skipped.

A cmocka program counts with each of its cases, any other with one. No log, or an empty one, is a failure.
"""
import json
import re
import sys

CASES = re.compile(r"^\[ +(PASSED|FAILED|SKIPPED) +\] (\d+) test\(s\)", re.M)
RESULTS = {"OK": "PASSED", "EXPECTEDFAIL": "PASSED", "SKIP": "SKIPPED"}


def cases(test):
    output = test.get("stdout", "") + "\n" + test.get("stderr", "")
    found = {kind: int(n) for kind, n in CASES.findall(output)}
    result = RESULTS.get(test["result"], "FAILED")
    if not found:
        return {result: 1}
    if result == "FAILED" and not found.get("FAILED"):
        found["FAILED"] = 1  # all cases passed and yet the program failed: a leak, a sanitizer, a time-out
    return found


def main():
    name, logs = sys.argv[1], sys.argv[2:]
    total = {"PASSED": 0, "FAILED": 0, "SKIPPED": 0}
    seen = 0
    for log in logs:
        try:
            lines = open(log, encoding="utf-8").readlines()
        except FileNotFoundError:
            continue
        for line in lines:
            seen += 1
            for kind, n in cases(json.loads(line)).items():
                total[kind] += n
    if not seen:
        total["FAILED"] += 1
    print(f"{name}: {total['PASSED']} passed, {total['FAILED']} failed, {total['SKIPPED']} skipped")


main()
