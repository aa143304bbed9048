#!/usr/bin/env python3
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""container.py EMQXTLS EMULATOR MANIFESTS - runs the container of examples/kubernetes/cronjob.yaml
as its manifest says, in place of a cluster: in a user namespace with a random UID and no
capability, on a read-only root that holds the command, what it links to and the CA certificates.
Secrets are folders of links through `..data` that are replaced as the kubelet does.
Skipped (77) where bubblewrap or python3-yaml is not installed, or there are no user namespaces."""
import json
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

try:
    import yaml
except ImportError:
    sys.exit(77)

UID = random.randrange(1_000_000_000, 2_000_000_000) # as OpenShift gives them
DONE, REFUSED, LATER = 0, 3, 5


class Secret:
    """A mounted Secret: each file is a link through `..data`, which is a link to a folder. That
    folder is replaced as a whole."""

    def __init__(self, folder, mode):
        self.folder, self.mode, self.versions = folder, mode, 0
        folder.mkdir()

    def version(self, files):
        """A folder of its own; what is given as None is a pipe."""
        self.versions += 1
        folder = self.folder / f"..2026_{self.versions}"
        folder.mkdir()
        for name, data in files.items():
            if data is None:
                os.mkfifo(folder / name)
            else:
                (folder / name).write_bytes(data)
            (folder / name).chmod(self.mode)
        return folder

    def point_to(self, folder):
        links = self.folder / "..data"
        before = links.resolve() if links.exists() else None
        (self.folder / "..data_tmp").symlink_to(folder.name)
        (self.folder / "..data_tmp").rename(links)
        for path in folder.iterdir():
            if not (self.folder / path.name).is_symlink():
                (self.folder / path.name).symlink_to(f"..data/{path.name}")
        if before:
            shutil.rmtree(before)

    def put(self, files):
        self.point_to(self.version(files))


class Job:
    """The CronJob's pod, with volumes and image in a folder."""

    def __init__(self, manifest, folder, command, ca):
        self.spec = manifest["spec"]["jobTemplate"]["spec"]
        self.pod = self.spec["template"]["spec"]
        self.container, = self.pod["containers"]
        self.image = folder / "image"
        self.volumes = {}
        for volume in self.pod["volumes"]:
            path = folder / volume["name"]
            if "secret" in volume:
                self.volumes[volume["name"]] = Secret(path, volume["secret"]["defaultMode"])
            else:
                path.mkdir()
        for mount in self.container["volumeMounts"]:
            (self.image / mount["mountPath"].lstrip("/")).mkdir(parents=True)
        self.fill(command, ca)
        self.folder = folder

    def fill(self, command, ca):
        """The image: the command, the libraries of a build that is not static, and the CA
        certificates where curl looks for them."""
        wanted = {command: "/emqxtls"}
        linked = subprocess.run(["ldd", command], capture_output=True, text=True).stdout
        for path in re.findall(r"(?:=> |\t)(/\S+)", linked):
            is_loader = path.startswith("/lib64/ld-")
            wanted[path] = path if is_loader else f"/lib/{os.path.basename(path)}"
        wanted[ca] = "/etc/ssl/certs/ca-certificates.crt"
        for source, place in wanted.items():
            place = self.image / place.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, place)
        for name in ("proc", "dev"):
            (self.image / name).mkdir()

    def command_line(self, more=()):
        env = {e["name"]: e["value"] for e in self.container["env"]}
        words = ["bwrap", "--unshare-all", "--share-net", "--die-with-parent", "--cap-drop", "ALL",
                 "--uid", str(UID), "--gid", str(UID), "--ro-bind", str(self.image), "/",
                 "--proc", "/proc", "--dev", "/dev", "--clearenv",
                 "--setenv", "LD_LIBRARY_PATH", "/lib"]
        for mount in self.container["volumeMounts"]:
            how = "--ro-bind" if mount["name"] in self.volumes else "--bind"
            words += [how, str(self.folder / mount["name"]), mount["mountPath"]]
        for name, value in env.items():
            words += ["--setenv", name, value]
        args = [re.sub(r"\$\((\w+)\)", lambda m: env[m[1]], arg) for arg in self.container["args"]]
        return words + ["--", "/emqxtls", *args, *more]

    def start(self, more=()):
        return subprocess.Popen(self.command_line(more), stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)

    def run(self, more=()):
        process = self.start(more)
        said = process.communicate()[0]
        return process.returncode, said

    def is_given_up(self, status):
        """Whether the Job makes no other try."""
        rule, = self.spec["podFailurePolicy"]["rules"]
        codes = rule["onExitCodes"]
        assert rule["action"] == "FailJob" and codes["containerName"] == self.container["name"]
        return status in codes["values"]


class Platform:
    def __init__(self, emulator, folder):
        self.folder, self.served = folder, folder / "served"
        self.served.mkdir(parents=True)
        env = dict(os.environ, EMQXCLOUD_PLATFORM_API_KEY="key",
                   EMQXCLOUD_PLATFORM_API_SECRET="never-told")
        self.process = subprocess.Popen(
            [emulator, "--tls-dir", folder, "--ready-file", folder / "ready",
             "--log", folder / "log", "--serve-dir", self.served, "--pending", "1", "--lifetime", "3600"],
            env=env, stdout=subprocess.DEVNULL)
        self.until(lambda: (folder / "ready").exists() and (folder / "ready").stat().st_size)
        ready = (folder / "ready").read_text()
        self.endpoint = re.search("EMQXCLOUD_PLATFORM_ENDPOINT=(.*)", ready)[1].strip("'\"")

    def until(self, happened):
        while not happened():
            assert self.process.poll() is None, "the emulator has ended"
            time.sleep(0.01)

    def arrived(self, method=""):
        log = self.folder / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        return sum(json.loads(line).get("method", "").startswith(method) for line in lines)

    def serves(self, pair):
        return (self.served / "ge6a1a75.cert.pem").read_bytes() == pair["tls.crt"]


def certificate(folder, days):
    """As cert-manager has it in the certificate's Secret."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", str(days),
                    "-keyout", folder / "k", "-out", folder / "c", "-subj", "/CN=broker.example"],
                   check=True, stderr=subprocess.DEVNULL)
    data = (folder / "c").read_bytes()
    return {"tls.crt": data, "tls.key": (folder / "k").read_bytes(), "ca.crt": data}


def expect(what, said, *, status, tells):
    print(f"== {what}: {said[0]}\n{said[1]}", end="")
    assert said[0] == status, f"{what}: ended with {said[0]}, not {status}"
    assert re.search(tells, said[1]), f"{what}: does not tell {tells}"
    assert "never-told" not in said[1] and "PRIVATE KEY" not in said[1]


def is_restricted(job):
    """What the Pod Security Standard "restricted" wants, and a root that can't be written."""
    pod, own = job.pod["securityContext"], job.container["securityContext"]
    return (pod["runAsNonRoot"] and pod["runAsUser"] > 0 and
            pod["seccompProfile"]["type"] == "RuntimeDefault" and
            own["readOnlyRootFilesystem"] and not own["allowPrivilegeEscalation"] and
            own["capabilities"] == {"drop": ["ALL"]} and
            not job.pod["automountServiceAccountToken"])


def renewals(job, platform, work):
    tls = job.volumes["certificate"]
    first, second, third, short = (certificate(work, days) for days in (200, 220, 240, 30))
    tls.put(first)
    expect("first run", job.run(), status=DONE, tells="ge6a1a75: created")
    assert platform.serves(first)
    expect("nothing new", job.run(), status=DONE, tells="ge6a1a75: unchanged")
    assert platform.arrived("P") == 1
    assert (work / "state/quota").exists() and list((work / "state/receipts").glob("*.json"))

    tls.put(second)
    expect("renewed", job.run(), status=DONE, tells="ge6a1a75: updated")
    assert platform.serves(second)
    tls.put(short)
    expect("too short a life", job.run(), status=REFUSED, tells="CHECK: ")
    assert job.is_given_up(REFUSED) and platform.serves(second)
    tls.put(second)
    expect("a root that can't be written", job.run(["--quota-file=/quota"]),
           status=1, tells="[Rr]ead-only")
    replaced_while_read(job, platform, third, second)
    replaced_while_it_waits(job, platform, first, third)


def replaced_while_read(job, platform, new, old):
    """Between chain and key: the chain is a pipe, so that it happens just there."""
    tls, before = job.volumes["certificate"], platform.arrived()
    slow = tls.version({"tls.crt": None, "tls.key": old["tls.key"], "ca.crt": old["ca.crt"]})
    tls.point_to(slow)
    process = job.start()
    with open(slow / "tls.crt", "wb", buffering=0) as chain: # as soon as it is opened for reading
        tls.put(new)
        chain.write(old["tls.crt"])
    expect("replaced while it was read", (process.wait(), process.stdout.read()),
           status=LATER, tells="run it again")
    assert not job.is_given_up(LATER) and platform.arrived() == before
    expect("the next try", job.run(), status=DONE, tells="ge6a1a75: updated")
    assert platform.serves(new)


def replaced_while_it_waits(job, platform, new, newest):
    """What was read is what is sent; the next run has the rest."""
    tls, writes = job.volumes["certificate"], platform.arrived("PUT")
    tls.put(new)
    process = job.start(["--allow-earlier"])
    platform.until(lambda: platform.arrived("PUT") > writes)
    tls.put(newest)
    expect("replaced while it waits", (process.wait(), process.stdout.read()),
           status=DONE, tells="ge6a1a75: updated")
    assert platform.serves(new)
    expect("the next run", job.run(), status=DONE, tells="ge6a1a75: updated")
    assert platform.serves(newest)


def quota_in_redis(job, work, filled):
    """By a line of the Secret; where there is a Redis."""
    if not shutil.which("redis-server"):
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--requirepass", "secret", "--save", "",
         "--appendonly", "yes", "--dir", work], stdout=subprocess.PIPE, text=True)
    try:
        assert any("eady to accept connections" in line for line in server.stdout)
        filled += f"EMQXTLS_QUOTA=redis://:secret@127.0.0.1:{port}\n"
        job.volumes["credentials"].put({"emqxtls": filled.encode()})
        said = job.run()
        if "no Redis" not in said[1]: # of this build
            expect("quota in Redis", said, status=DONE, tells="unchanged")
    finally:
        server.kill()
        server.communicate()


def credentials(job, platform, work, text):
    """As the page's Secret, filled in; with another place of the quota; then with the mode that a
    Secret has where none is given."""
    filled = text.replace("https://HOST/public_api/v1", platform.endpoint)
    filled = filled.replace("API_KEY=...", "API_KEY=key")
    filled = filled.replace("API_SECRET=...", "API_SECRET=never-told")
    secret = job.volumes["credentials"]
    secret.put({"emqxtls": filled.encode()})
    yield
    quota_in_redis(job, work, filled)
    secret.mode = 0o644
    secret.put({"emqxtls": filled.encode()})
    expect("credentials that all may read", job.run(),
           status=DONE, tells=r"(?s)defaultMode: 0400.*unchanged")


def main():
    command, emulator, manifests = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    try:
        subprocess.run(["bwrap", "--unshare-all", "--uid", str(UID), "--ro-bind", "/", "/", "true"],
                       check=True)
    except (OSError, subprocess.CalledProcessError) as reason:
        print(f"no container can be made here: {reason}")
        sys.exit(77)
    cronjob, _ = yaml.safe_load_all((manifests / "cronjob.yaml").read_text())
    secret = yaml.safe_load((manifests / "credentials.yaml").read_text())
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        platform = Platform(emulator, work / "platform")
        try:
            job = Job(cronjob, work, command, work / "platform/ca.pem")
            assert is_restricted(job)
            filled_in = credentials(job, platform, work, secret["stringData"]["emqxtls"])
            next(filled_in)
            renewals(job, platform, work)
            next(filled_in, None)
        finally:
            platform.process.kill()
            platform.process.wait()


main()
