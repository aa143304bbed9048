#!/usr/bin/env python3
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""blocks.py SOURCE CC... - the C in the pages of docs/ and in the public headers compiles, with what stands around
it in a reader's program (PROGRAM, VARIABLES) before it. "..." is what the reader fills in. The README's program: readme.sh.
Shell and Python in any page is read by its interpreter."""
import pathlib
import re
import subprocess
import sys

root, compiler = pathlib.Path(sys.argv[1]), sys.argv[2:]
FLAGS = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wno-unused", "-Wno-uninitialized", "-Wno-unused-parameter"]

PROGRAM = """
#include <emqxtls/emqxtls.h>
#include <emqxtls/redis.h>
#include <emqxtls/test.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
int fail(const char *message);
int32_t my_http(const char *method, const char *url, const char *const *headers, const char *body, size_t body_len,
                char *to, size_t *to_len);
extern char buffer[];
"""
VARIABLES = """
int example(emqx_tls_client *client, emqx_tls_limiter *limiter, const char *deployment_id, const char *key,
            const char *secret, const char *key_pem, size_t key_len, const char *chain, const char *chain_pem,
            size_t chain_len, void *user)
{
    emqx_tls_code code;
    emqx_tls_config config;
    emqx_tls_error error;
    emqx_tls_request request;
    emqx_tls_status status;
    {
"""


def page_blocks(text):
    return re.findall(r"^```c\n(.*?)^```", text, re.S | re.M)


def header_blocks(text):
    """What stands between @code and @endcode in a comment."""
    blocks = re.findall(r"^ \* @code\n(.*?)^ \* @endcode", text, re.S | re.M)
    return [re.sub(r"^ \* ?", "", block, flags=re.M) for block in blocks]


def program(block):
    block = re.sub(r"^( *)\.\.\..*$", r"\1{}", block, flags=re.M)
    block = re.sub(r"^#include.*$", "", block, flags=re.M)
    functions = "".join(re.findall(r"^static .*?^}\n", block, re.S | re.M))
    rest = re.sub(r"^static .*?^}\n", "", block, flags=re.S | re.M)
    return PROGRAM + functions + VARIABLES + rest + "    }\n    return 0;\n}\n"


def scripts(path, text):
    """The shell and Python blocks of a page have no mistake that their own interpreter finds."""
    for language, block in re.findall(r"^```(sh|python)\n(.*?)^```", text, re.S | re.M):
        command = ["bash", "-n"] if language == "sh" else [sys.executable, "-c", "import sys; compile(sys.stdin.read(), 'block', 'exec')"]
        done = subprocess.run(command, input=block, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(f"{path.relative_to(root)}: this is no {language}:\n{block}\n{done.stderr}")
        yield done.returncode != 0


def adapters():
    """The adapters for event loops whose loop is there: (path, block, what the compiler needs)."""
    for name, module in (("glib", "glib-2.0"), ("libevent", "libevent_core"), ("libuv", "libuv"), ("poll", "")):
        path, flags = root / "include" / "emqxtls" / "adapters" / f"{name}.h", []
        if module:
            told = subprocess.run(["pkg-config", "--cflags", module], capture_output=True, text=True, check=False)
            if told.returncode != 0:
                print(f"left out: {name}.h, there is no {module}")
                continue
            flags = told.stdout.split()
        for block in header_blocks(path.read_text(encoding="utf-8")):
            yield path, block, [*flags, "-include", path]


def main():
    blocks = [(p, b) for p in sorted((root / "docs").glob("*.md")) for b in page_blocks(p.read_text(encoding="utf-8"))]
    headers = sorted((root / "include" / "emqxtls").glob("*.h"))
    blocks += [(p, b) for p in headers for b in header_blocks(p.read_text(encoding="utf-8"))]
    blocks = [(p, b, []) for p, b in blocks] + list(adapters())
    bad = 0
    for path, block, more in blocks:
        command = [*compiler, *FLAGS, *more, "-I", root / "include", "-x", "c", "-fsyntax-only", "-"]
        done = subprocess.run(command, input=program(block), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            bad += 1
            print(f"{path.relative_to(root)}: this does not compile:\n{block}\n{done.stderr}")
    pages = [*root.glob("*.md"), *(root / "docs").glob("*.md"), *(root / "examples").rglob("*.md")]
    results = [bad_script for p in sorted(pages) for bad_script in scripts(p, p.read_text(encoding="utf-8"))]
    bad += sum(results)
    print(f"{len(results)} blocks of shell and Python, {sum(results)} that are wrong")
    if len(blocks) < 14:
        print("found too few blocks: this test reads the pages wrongly")
    print(f"{len(blocks)} blocks, {bad} that do not compile")
    sys.exit(bad > 0 or len(blocks) < 14)


main()
