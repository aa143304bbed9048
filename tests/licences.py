#!/usr/bin/env python3
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""licences.py SOURCE [--mend] - every file has a line with copyright and licence, or is one of those that .reuse/dep5 lists since
they can't hold a comment. --mend adds the line. Then `reuse lint` and `codespell` look at the tree, where they are installed."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# In two pieces, so that reuse does not take it for the licence of this file.
BARE = "SPDX-License" + "-Identifier: MIT"
LINE = "Copyright 2026 the libemqxtls authors. " + BARE
HASH = {".py", ".sh", ".build", ".txt", ".map", ".ini", ".in", ".service", ".timer", ".mod", ".lua", ".yaml", ".yml", ".cmake", ".sed",
        ".supp", "run", "Doxyfile", ".clang-format", ".codespellrc", ".gitignore", "emqxtls-renew.in", "Containerfile", "Makefile"}
BLOCK = {".c", ".h", ".css", ".hpp", ".cpp", ".js", ".rs", ".go", ".dot"}
MARKUP = {".md", ".html", ".svg"}
# Their form has no comments, or a comment would change them.
WITHOUT = re.compile(r"^(LICENSE|LICENSES/.*|\.reuse/dep5|tests/fuzz/corpus/.*|docs/[^/]*\.scd|examples/packaging/debian/(?!tests/(program|command)$).*"
                     r"|.*\.(json|lock|toml|mod|html|html\.in|expected))$")

root = pathlib.Path(sys.argv[1]).resolve()
mend = "--mend" in sys.argv


def files():
    try:
        names = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", "-z"], capture_output=True, check=True).stdout
        names = [n.decode() for n in names.split(b"\0") if n]
    except (subprocess.CalledProcessError, FileNotFoundError):
        names = [p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()]
    for name in sorted(names):
        if not re.match(r"(build[^/]*|\.git|subprojects)/", name) and "__pycache__" not in name and (root / name).is_file():
            yield name


def kind(name):
    path = pathlib.PurePosixPath(name)
    for group, of in ((HASH, "# {}"), (BLOCK, "/* {} */"), (MARKUP, "<!-- {} -->")):
        if path.suffix in group or path.name in group:
            return of
    return "# {}"


def with_line(name, text):
    lines = text.split("\n")
    for i, line in enumerate(lines[:6]):
        if BARE in line:
            lines[i] = line.replace(BARE, LINE, 1)
            return "\n".join(lines)
    comment = ("-- {}" if name.endswith(".lua") else kind(name)).format(LINE)
    at = 1 if lines[0].startswith(("#!", "<!doctype", "<?xml")) else 0
    return "\n".join(lines[:at] + [comment] + lines[at:])


def check_lines():
    missing = 0
    for name in files():
        if WITHOUT.match(name):
            continue
        text = (root / name).read_text(encoding="utf-8")
        if any(LINE in line for line in text.split("\n", 6)[:6]):
            continue
        missing += 1
        if mend:
            (root / name).write_text(with_line(name, text), encoding="utf-8")
        print(f"{name}: {'was given' if mend else 'lacks'} the line with copyright and licence")
    return 0 if mend else missing


def run(command, folder):
    if not shutil.which(command[0]):
        print(f"{command[0]} is not installed")
        return 0
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(done.stdout[-6000:], done.stderr[-2000:])
    return done.returncode != 0


def main():
    bad = check_lines()
    with tempfile.TemporaryDirectory() as folder:  # without what was built, which neither tool should read
        for name in files():
            (pathlib.Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, pathlib.Path(folder) / name)
        bad += run(["reuse", "lint"], folder)
        bad += run(["codespell"], folder)
    print(f"{bad} problems")
    sys.exit(bad > 0)


main()
