#!/usr/bin/env python3
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""release.py SOURCE [--dated] - the check list of a release: one version in all places, a node for its symbols, a list of changes
that names what is new; with --dated also a date, a clean tree and no tag of that name yet. CONTRIBUTING.md says when it is run."""
import datetime
import pathlib
import re
import subprocess
import sys

root = pathlib.Path(sys.argv[1])
dated = "--dated" in sys.argv
problems = []


def read(path):
    return (root / path).read_text(encoding="utf-8")


def expect(told, wanted, where):
    if told != wanted:
        problems.append(f"{where} says {told}, not {wanted}")


def first(pattern, text):
    found = re.search(pattern, text, re.M)
    return found[1] if found else None


def git(*arguments):
    return subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True, check=True).stdout.strip()


version = first(r"^  version: '([^']+)',$", read("meson.build"))
major, minor, patch = version.split(".")
header = read("include/emqxtls/version.h")
for name, number in (("MAJOR", major), ("MINOR", minor), ("PATCH", patch)):
    expect(first(rf"#define EMQX_TLS_VERSION_{name} (\d+)", header), number, f"version.h: EMQX_TLS_VERSION_{name}")
expect(first(r"^libemqxtls \(([^-)]+)", read("examples/packaging/debian/changelog")), version, "examples/packaging/debian/changelog")
expect(first(r"^directory = libemqxtls-(.*)$", read("docs/packaging.md")), version, "docs/packaging.md: the wrap file")

# What is new since the last release is in a node of its own.
for path, node in (("lib/emqxtls.map", "LIBEMQXTLS"), ("lib/redis/emqxtls-redis.map", "LIBEMQXTLS_REDIS")):
    nodes = re.findall(rf"^({node}_[\d.]+) \{{", read(path), re.M)
    if not nodes or tuple(map(int, nodes[-1].rsplit("_", 1)[1].split("."))) > (int(major), int(minor)):
        problems.append(f"{path}: the last node is {nodes[-1:]}, beyond {version}")
    for each in nodes:
        package = "libemqxtls-redis0" if "REDIS" in each else "libemqxtls0"
        if f"(symver){each} " not in read(f"examples/packaging/debian/{package}.symbols"):
            problems.append(f"examples/packaging/debian/{package}.symbols lacks {each}")

# A release that nobody has made yet stands under "Unreleased".
changes = read("CHANGELOG.md")
heading = first(r"^## (.*)$", changes)
released = re.fullmatch(r"(\S+) - (\d{4}-\d{2}-\d{2})", heading or "")
if released:
    expect(released[1], version, "CHANGELOG.md")
    datetime.date.fromisoformat(released[2])
elif heading != "Unreleased":
    problems.append(f"CHANGELOG.md begins with '{heading}', not with a version and its date, or Unreleased")
section = changes[changes.index(heading):].split("\n## ")[0]
if not re.search(r"^### (Added|Changed|Fixed|Removed|Security)\n- ", section, re.M):
    problems.append("CHANGELOG.md: the newest part names nothing")

if dated:
    if not released:
        problems.append(f"CHANGELOG.md: give the newest part the heading '{version} - DATE'")
    if git("status", "--porcelain"):
        problems.append("the tree is not clean: commit first")
    if git("tag", "--list", f"v{version}"):
        problems.append(f"there is a tag v{version} already")

for problem in problems:
    print(problem)
print(f"version {version}, {'released ' + released[2] if released else 'unreleased'}: {len(problems)} problems")
sys.exit(bool(problems))
