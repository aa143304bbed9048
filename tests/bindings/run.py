#!/usr/bin/env python3
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""run.py LANGUAGE EMULATOR LIBRARY FFI-HEADER FOLDER [PROGRAM] - plays scenario.txt with a binding, against an emulator of its own.

LANGUAGE: cpp, go, lua, node, python, rust. FOLDER: of the build, for what a language makes. PROGRAM: where the build has made it
already (cpp). Exit code 77: the language is not there. The binding's program reads a line, does it, and answers with one line of NAME=VALUE words. Each answer must have the fields that
the scenario names; a value may be anything where it names none. Ends with "N passed, N failed".
"""
import os
import queue
import shutil
import shlex
import subprocess
import sys
import tempfile
import threading
import urllib.request

HANG = 120  # seconds that only a hang reaches
HERE = os.path.dirname(os.path.abspath(__file__))


def make_certificates(folder):
    for name, days in (("one", 90), ("two", 120), ("short", 10)):
        subprocess.run(["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days",
                        str(days), "-subj", f"/CN={name}.test", "-addext", f"subjectAltName=DNS:{name}.test", "-keyout",
                        f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem"], check=True, stderr=subprocess.DEVNULL)


class Lines:
    """A process's lines, with a limit on the wait for each."""

    def __init__(self, stream):
        self._lines = queue.Queue()
        threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream):
        for line in stream:
            self._lines.put(line)
        self._lines.put("")

    def next(self):
        try:
            return self._lines.get(timeout=HANG)
        except queue.Empty:
            return ""


def start_emulator(emulator, folder, environment):
    server = subprocess.Popen([emulator, "--tls-dir", folder, "--ready-file", f"{folder}/ready", "--lifetime", "300",
                               "--pending", "0", "--terminated", "0", "--deployments", "absent*,d1,busy,silent", "--log",
                               f"{folder}/log"], env=environment, stdout=subprocess.PIPE, text=True)
    lines = Lines(server.stdout)
    while not os.path.exists(f"{folder}/ready"):  # it prints behind the writing of the file
        if not lines.next():
            sys.exit("the emulator does not start")
    with open(f"{folder}/ready", encoding="utf-8") as ready:
        environment.update(line.strip().split("=", 1) for line in ready if "=" in line)
    environment["EMQXTLS_CA_FILE"] = f"{folder}/ca.pem"
    return server


def control(environment, method, path, body):
    request = urllib.request.Request(environment["EMULATOR_CONTROL"] + path, body.encode(), method=method)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=HANG):
        pass


def fields(answer):
    return dict(word.split("=", 1) for word in answer.split() if "=" in word)


def play(program, environment, folder):
    passed = failed = 0
    lines = Lines(program.stdout)
    with open(f"{HERE}/scenario.txt", encoding="utf-8") as scenario:
        for line in map(str.strip, scenario):
            if line.startswith("!"):
                control(environment, *line[1:].split(None, 2))
            if not line or line[0] in "#!":
                continue
            command, expected = (part.strip() for part in line.replace("$DIR", folder).split("=>"))
            program.stdin.write(command + "\n")
            program.stdin.flush()
            answer = lines.next()
            told = fields(answer)
            wrong = [f"{k}={v}" for k, v in fields(expected).items() if told.get(k) != v]
            if wrong:
                print(f"FAILED: {command}\n  wanted {' '.join(wrong)}\n  got    {answer.strip() or 'nothing'}")
            passed, failed = passed + (not wrong), failed + bool(wrong)
            if not answer:
                break
    return passed, failed


# -- one way to run for each language --------------------------------------------------------------------------------------


def leave_out(why):
    print(f"left out: {why}; tests/packages.sh bindings installs it")
    sys.exit(77)


def need(name):
    return shutil.which(name) or leave_out(f"there is no {name}")


def make(command, where, environment):
    done = subprocess.run(command, cwd=where, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit(f"FAILED: {shlex.join(command)}\n{done.stdout}")


def go(environment, folder):
    include, library = f"{HERE}/../../include", os.path.dirname(environment["EMQXTLS_LIBRARY"])
    environment.update(CGO_CFLAGS=f"-I{include}", CGO_LDFLAGS=f"-L{library}", GOPROXY="off", GOFLAGS="-mod=mod", GOCACHE=f"{folder}/cache", GOTOOLCHAIN="local")
    make([need("go"), "build", "-o", f"{folder}/conformance", "."], f"{HERE}/go", environment)
    return [f"{folder}/conformance"]


def rust(environment, folder):
    # Cargo writes beside the sources what it has resolved: so they are copied.
    for part in ("tests/bindings/rust", "examples/bindings/rust"):
        shutil.copytree(f"{HERE}/../../{part}", f"{folder}/{part}", dirs_exist_ok=True)
    make([need("cargo"), "build", "--offline", "--target-dir", f"{folder}/target"], f"{folder}/tests/bindings/rust", environment)
    return [f"{folder}/target/debug/conformance"]


def node(environment, folder):
    roots = subprocess.run([need("npm"), "root", "-g"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    if not os.path.isdir(f"{roots}/koffi"):
        leave_out("there is no koffi")
    environment["NODE_PATH"] = roots
    return [need("node"), f"{HERE}/conformance.js"]


def lua(environment, folder):
    return [need("luajit"), f"{HERE}/conformance.lua"]


def python(environment, folder):
    return [sys.executable, f"{HERE}/conformance.py"]


def surroundings(library, ffi, folder):
    """Of a user whose library is where it was built."""
    environment = dict(os.environ, EMQXCLOUD_PLATFORM_API_KEY="test-key", EMQXTLS_LIBRARY=library, EMQXTLS_FFI=os.path.abspath(ffi),
                       EMQXCLOUD_PLATFORM_API_SECRET="test-secret-kept-out-of-sight", PYTHONDONTWRITEBYTECODE="1")
    where = os.path.dirname(library)
    for name, value in (("LD_LIBRARY_PATH", where), ("PKG_CONFIG_PATH", f"{where}/../meson-uninstalled")):
        environment[name] = value + ":" + environment.get(name, "")
    for name in list(environment):
        if name.lower().endswith("_proxy"):
            del environment[name]
    return environment


def main(language, emulator, library, ffi, folder, *program):
    folder = f"{os.path.abspath(folder)}/{language}"
    os.makedirs(folder, exist_ok=True)
    environment = surroundings(library, ffi, folder)
    command = list(program) or globals()[language](environment, folder)
    with tempfile.TemporaryDirectory() as scratch:
        make_certificates(scratch)
        server = start_emulator(emulator, scratch, environment)
        process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            passed, failed = play(process, environment, scratch)
            process.stdin.close()
            if process.wait(HANG) != 0:
                print(f"FAILED: {shlex.join(command)} ended with {process.returncode}")
                failed += 1
        except subprocess.TimeoutExpired:
            failed += 1
        finally:
            process.kill()
            server.terminate()
            server.wait()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
