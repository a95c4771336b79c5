# SPDX-License-Identifier: GPL-2.0
"""A farm of one server, for machines with emulated user networking, which reach it at 10.0.2.2."""

import base64
import hashlib
import http.client
import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time

from bootlib import free_port
from machine import BUILD, Failure

HOST = "10.0.2.2"       # this machine's loopback, as a guest sees it


def run(*command, cwd=None):
    result = subprocess.run(command, capture_output=True, cwd=cwd, check=False)
    if result.returncode:
        raise Failure(f"{' '.join(command[:3])}: {result.stderr.decode(errors='replace')}")
    return result.stdout


class Farm:
    """vdiskd with a catalog, keys made here, and an image "lab" in version 1."""

    def __init__(self, image, name, disk="debian12"):
        # In the cache, so that the image is not copied.
        self.dir = tempfile.mkdtemp(prefix="farm-", dir=image.dir)
        self.keys = os.path.join(self.dir, "keys")
        self.store = os.path.join(self.dir, "store")
        self.socket = os.path.join(self.dir, "api.sock")
        self.nbd, self.api, self.http = free_port(), free_port(), free_port()
        self.log_path = os.path.join(BUILD, "log", "boot", name + ".vdiskd")
        os.makedirs(os.path.dirname(self.log_path), exist_ok=True)
        self.process = None
        self._make_keys()
        folder = os.path.join(self.store, "lab", "1")
        os.makedirs(folder)
        os.link(image.path(disk), os.path.join(folder, "disk.img"))
        with open(os.path.join(folder, "manifest.json"), "w", encoding="ascii") as f:
            json.dump({"size": os.path.getsize(image.path(disk)), "created": int(time.time()),
                       "format": "raw"}, f)

    def _make_keys(self):
        os.mkdir(self.keys, 0o700)
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        run("openssl", "req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.crt", "-subj",
            "/CN=farm", "-days", "2", cwd=self.keys)
        run("openssl", "req", *curve, "-keyout", "server.key", "-out", "server.csr", "-subj",
            "/CN=server", cwd=self.keys)
        run("openssl", "x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
            "-CAcreateserial", "-out", "server.crt", "-days", "2", cwd=self.keys)
        with open(os.path.join(self.keys, "farm.key"), "w", encoding="ascii") as f:
            f.write(secrets.token_hex(32) + "\n")
        if shutil.which("ssh-keygen"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
                os.path.join(self.keys, "ssh_ca"))
        for name in os.listdir(self.keys):
            os.chmod(os.path.join(self.keys, name), 0o600)
        public = subprocess.run(
            "openssl x509 -in ca.crt -noout -pubkey | openssl pkey -pubin -outform DER", shell=True,
            cwd=self.keys, check=True, capture_output=True).stdout
        self.pin = "sha256//" + base64.b64encode(hashlib.sha256(public).digest()).decode()

    def __enter__(self):
        with open(self.log_path, "wb") as log:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen(
                [os.path.join(BUILD, "vdiskd"), "--store", self.store, "--listen",
                 f"127.0.0.1:{self.nbd}", "--catalog",
                 "sqlite:" + os.path.join(self.dir, "catalog.db"), "--keys", self.keys, "--api",
                 f"127.0.0.1:{self.api}", "--socket", self.socket, "--http",
                 f"127.0.0.1:{self.http}"],
                stderr=log)
        deadline = time.monotonic() + 60
        while not os.path.exists(self.socket):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failure("vdiskd does not start: " + self.log()[-400:])
            time.sleep(0.05)
        self.ask("POST", "/v1/servers", {"name": "one", "addresses": [HOST], "port": self.nbd})
        self.ask("POST", "/v1/images", {"name": "lab"})
        self.ask("POST", "/v1/images/lab/versions", {"number": 1})
        self.ask("POST", "/v1/images/lab/current", {"version": 1})
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def ask(self, method, path, body=None):
        """As the administrator on the server itself."""
        connection = http.client.HTTPConnection("localhost", timeout=60)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(60)
        connection.sock.connect(self.socket)
        connection.request(method, path, json.dumps(body) if body is not None else None,
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        connection.close()
        if answer.status >= 300:
            raise Failure(f"{method} {path}: {answer.status} {text}")
        return json.loads(text) if text else None

    def client(self, name, uuid, **fields):
        """A client that boots "lab"."""
        one = self.ask("POST", "/v1/clients", {"name": name, "uuid": uuid, **fields})
        self.ask("POST", "/v1/assignments", {"client": name, "image": "lab",
                                             "overlay": "ram:50%"})
        return one

    def uri(self):
        return f"vdisk://{HOST}:{self.api}"

    def cmdline(self, *words):
        return f"root=vdisk:{self.uri()} rd.vdisk.pin={self.pin} rw " + " ".join(words)
