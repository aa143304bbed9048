# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""The benchmarks' server: nginx over TLS on loopback with a static status, in a folder of its own, ended by its pid."""

import os
import shutil
import socket
import subprocess
import time

NGINX = "/usr/sbin/nginx"
DELAY_S = 0.05  # of the slow ports
PATH = "/public_api/v1"
STATUS = (
    '{"tlsType":"one-way","status":"running","expire":"2034-05-22 02:43:21","cn":"*.bench.example.com"}'
)
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"

CONFIG = """
daemon off;
pid {folder}/nginx-{workers}.pid;
error_log {folder}/error.log;
worker_processes {workers};
worker_rlimit_nofile 4096;
load_module /usr/lib/nginx/modules/ngx_http_echo_module.so;
events {{ worker_connections 2000; }}
http {{
  access_log off;
  default_type application/json;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  ssl_certificate {folder}/server.pem;
  ssl_certificate_key {folder}/server.key;
  ssl_protocols TLSv1.2 TLSv1.3; # the default of nginx 1.22 leaves 1.3 out
  keepalive_requests 1000000000;
  keepalive_timeout 300s;
  http2_max_concurrent_streams 1024;
  server {{ listen 127.0.0.1:{h1} ssl; location / {{ return 200 '{status}'; }} }}
  server {{ listen 127.0.0.1:{h2} ssl http2; location / {{ return 200 '{status}'; }} }}
  server {{ listen 127.0.0.1:{close} ssl; keepalive_timeout 0; location / {{ return 200 '{status}'; }} }}
  server {{
    listen 127.0.0.1:{late} ssl;
    location / {{ echo_sleep 0.005; echo_exec /status; }}
    location = /status {{ return 200 '{status}'; }}
  }}
  server {{
    listen 127.0.0.1:{slow1} ssl;
    listen 127.0.0.1:{slow2} ssl http2;
    location / {{ echo_sleep {delay}; echo_exec /status; }}
    location = /status {{ return 200 '{status}'; }}
  }}
}}
"""
PORTS = ("h1", "h2", "close", "late", "slow1", "slow2")


def openssl(*arguments, **more):
    subprocess.run(("openssl",) + arguments, check=True, capture_output=True, text=True, **more)


def make_certificate(folder, name, subject, issuer, extensions, key="EC", days=365):
    """NAME.key and NAME.pem in the folder, signed by the issuer of that name, or by itself."""
    path = os.path.join(folder, name)
    if key == "EC":
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path + ".key")
    else:
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", path + ".key")
    with open(path + ".ext", "w", encoding="ascii") as file:
        file.write("\n".join(extensions) + "\n")
    openssl("req", "-new", "-key", path + ".key", "-subj", subject, "-out", path + ".csr")
    signer = ["-signkey", path + ".key"]
    if issuer:
        signer = ["-CA", os.path.join(folder, issuer + ".pem"), "-CAkey", os.path.join(folder, issuer + ".key")]
    openssl("x509", "-req", "-in", path + ".csr", *signer, "-days", str(days), "-extfile", path + ".ext",
            "-set_serial", str(abs(hash(name)) + 1), "-out", path + ".pem")


CA = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"]


def make_folder(bundle, folder):
    """The certificates of a bundle in a folder, named by their hashes."""
    end = "-----END CERTIFICATE-----\n"
    os.mkdir(folder)
    with open(bundle, encoding="ascii") as file:
        for i, certificate in enumerate(file.read().split(end)[:-1]):
            with open(os.path.join(folder, "%d.pem" % i), "w", encoding="ascii") as one:
                one.write(certificate + end)
    openssl("rehash", folder)


def make_material(folder):
    """A CA, the server's certificate, the system's bundle with that CA, the same as a folder, and a chain and key of 10
    KiB to be sent."""
    make_certificate(folder, "ca", "/CN=benchmark CA", None, CA)
    make_certificate(folder, "server", "/CN=127.0.0.1", "ca", ["subjectAltName=IP:127.0.0.1"])
    with open(os.path.join(folder, "bundle.pem"), "wb") as bundle:
        for path in (BUNDLE, os.path.join(folder, "ca.pem")):
            with open(path, "rb") as file:
                shutil.copyfileobj(file, bundle)
    make_folder(os.path.join(folder, "bundle.pem"), os.path.join(folder, "cas"))
    issuer = None
    names = []
    for i in range(7):
        name = "issuer%d" % i
        make_certificate(folder, name, "/O=An organisation of the benchmark/CN=issuing CA %d" % i, issuer, CA, "RSA", 3650)
        names.append(name)
        issuer = name
    make_certificate(folder, "leaf", "/O=An organisation of the benchmark/CN=*.bench.example.com", issuer,
                     ["subjectAltName=DNS:*.bench.example.com", "extendedKeyUsage=serverAuth"], "RSA")
    with open(os.path.join(folder, "chain.pem"), "w", encoding="ascii") as chain:
        for name in ["leaf"] + names[:0:-1]:
            with open(os.path.join(folder, name + ".pem"), encoding="ascii") as file:
                chain.write(file.read())


class Server:
    def __init__(self, folder, workers=1):
        """In a folder where make_material has been."""
        held = [socket.socket() for _ in PORTS]
        for s in held:
            s.bind(("127.0.0.1", 0))
        self.ports = {name: s.getsockname()[1] for name, s in zip(PORTS, held)}
        for s in held:
            s.close()
        config = os.path.join(folder, "nginx-%d.conf" % workers)
        with open(config, "w", encoding="ascii") as file:
            file.write(CONFIG.format(folder=folder, workers=workers, status=STATUS, delay=DELAY_S, **self.ports))
        self.process = subprocess.Popen([NGINX, "-p", folder, "-c", config], stderr=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.ports["slow2"]), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > until:
                    self.stop()
                    with open(os.path.join(folder, "error.log"), encoding="utf-8", errors="replace") as file:
                        raise SystemExit("nginx did not start:\n" + file.read()) from None
                time.sleep(0.02)

    def endpoint(self, name):
        return "https://127.0.0.1:%d%s" % (self.ports[name], PATH)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)
