# SPDX-License-Identifier: GPL-2.0
"""A vdiskd with a catalog, and clients of its API: what the tests of the API share."""

import http.client
import json
import os
import re
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "vdiskd"))
from rawnbd import DEADLINE, Server, Tap, wait_for  # noqa: E402,F401

VDISKD_PATH = os.path.join(os.environ.get("B", "build"), "vdiskd")
TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")


def openssl(folder, *args):
    subprocess.run(["openssl", *args], check=True, cwd=folder, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def sign_server(folder):
    """A new key and certificate of a server, by the CA that is there."""
    openssl(folder, "req", *EC, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=server")
    openssl(folder, "x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
            "-CAcreateserial", "-out", "server.crt", "-days", "2")
    os.chmod(os.path.join(folder, "server.key"), 0o600)


def make_keys(folder):
    """A CA, a server's certificate that it signed; False without openssl."""
    if not shutil.which("openssl"):
        return False
    openssl(folder, "req", "-x509", *EC, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=farm",
            "-days", "2")
    os.chmod(os.path.join(folder, "ca.key"), 0o600)
    sign_server(folder)
    return True


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=DEADLINE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(DEADLINE)
        self.sock.connect(self.path)


class Answer:
    def __init__(self, response, data):
        self.status = response.status
        self.headers = response.headers
        self.data = data
        kind = (response.headers.get("Content-Type") or "").split(";")[0]
        self.problem = kind == "application/problem+json"
        self.json = json.loads(data) if data and kind.endswith("json") else None

    def __repr__(self):
        return "%d %r" % (self.status, self.data[:300])


class Api:
    """Requests of one administrator, or of nobody."""

    def __init__(self, farm, token=None, local=False, port=None, tls=False, source=None):
        self.source = (source, 0) if source else None
        self.farm, self.token, self.local, self.tls = farm, token, local, tls
        self.port = port or farm.port
        self.connection = None

    def open(self):
        if self.local:
            return UnixConnection(self.farm.socket)
        if self.tls:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=DEADLINE, context=context)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE,
                                          source_address=self.source)

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def ask(self, method, path, body=None, headers=None, raw=None):
        headers = dict(headers or {})
        if self.token and "Authorization" not in headers:
            headers["Authorization"] = "Bearer " + self.token
        if body is not None:
            raw = json.dumps(body).encode()
        if raw is not None and "Content-Type" not in headers:
            headers["Content-Type"] = "application/json"
        for attempt in range(3):
            fresh = self.connection is None
            if fresh:
                self.connection = self.open()
            try:
                self.connection.request(method, path, raw, headers)
                response = self.connection.getresponse()
                answer = Answer(response, response.read())
            except (http.client.HTTPException, OSError):
                # One that was kept open may have been closed meanwhile.
                self.close()
                if fresh and attempt:
                    raise
                continue
            if response.will_close:
                self.close()
            return answer
        raise RuntimeError("no answer to %s %s" % (method, path))

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.ask("POST", path, body, **more)

    def patch(self, path, body=None, **more):
        return self.ask("PATCH", path, body, **more)

    def delete(self, path, **more):
        return self.ask("DELETE", path, **more)


class Farm:
    """A server with a catalog of its own, everything in a folder that goes with it."""

    def __init__(self, *args, tls=False, **more):
        self.folder = tempfile.mkdtemp(prefix="vdiskd-api.")
        self.keys = os.path.join(self.folder, "keys")
        self.store = os.path.join(self.folder, "store")
        self.socket = os.path.join(self.folder, "api.sock")
        self.file = os.path.join(self.folder, "catalog.db")
        os.mkdir(self.keys, 0o700)
        os.mkdir(self.store)
        with open(os.path.join(self.keys, "farm.key"), "w") as f:
            f.write(secrets.token_hex(32) + "\n")
        os.chmod(f.name, 0o600)
        self.has_tls = tls and make_keys(self.keys)
        self.args = list(args)
        if self.has_tls:
            self.args += ["--api", "127.0.0.1:0"]
        self.more = more
        self.start()

    def start(self):
        self.server = Server("--catalog", "sqlite:" + self.file, "--keys", self.keys, "--socket",
                             self.socket, "--http", "127.0.0.1:0", "--api-plain", "127.0.0.1:0",
                             *self.args, store=self.store, **self.more)
        self.port = self.find_port("api-plain")
        self.boot_port = self.find_port("boot")
        self.tls_port = self.find_port("api")
        self.local = Api(self, local=True)
        self.nobody = Api(self)

    def find_port(self, kind):
        found = re.search(r"listening for http\" kind=%s address=127\.0\.0\.1:(\d+)" % kind,
                          self.server.log())
        return int(found.group(1)) if found else None

    def api(self, role, group=None, name=None):
        """A new token with that role."""
        body = {"name": name or "%s-%s" % (role, secrets.token_hex(4)), "role": role}
        if group:
            body["group"] = group
        answer = self.local.post("/v1/tokens", body)
        if answer.status != 201:
            raise RuntimeError("no token: %r" % answer)
        api = Api(self, token=answer.json["token"])
        api.name = body["name"]
        return api

    def add_version(self, image, number, size=1 << 20, **more):
        """Files of a version in the store."""
        folder = os.path.join(self.store, image, str(number))
        os.makedirs(folder)
        with open(os.path.join(folder, "disk.img"), "wb") as f:
            f.truncate(size)
        manifest = {"size": size, "sha256": "ab" * 32, "stamp": "x:1:y", "kernel": "6.1",
                    "created": 1700000000, "format": "raw"}
        manifest.update(more)
        with open(os.path.join(folder, "manifest.json"), "w") as f:
            json.dump(manifest, f)
        with open(os.path.join(folder, "cmdline"), "w") as f:
            f.write("rw console=tty0\n")
        for name in ("vmlinuz", "initrd.img"):
            with open(os.path.join(folder, name), "wb") as f:
                f.write(os.urandom(100000))
        return folder

    def stop(self):
        """Ends it; its exit code."""
        for api in (self.local, self.nobody):
            api.close()
        return self.server.stop()

    def finish(self):
        code = self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        return code


def reader_of(connection_file):
    """Status, headers and body of one answer on a raw socket's file."""
    line = connection_file.readline()
    if not line:
        return None, {}, b""
    status = int(line.split()[1])
    headers = {}
    while True:
        line = connection_file.readline().strip()
        if not line:
            break
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    return status, headers, connection_file.read(int(headers.get("content-length", 0)))


class Raw:
    """A socket to the API, for what no library would send."""

    def __init__(self, port=None, path=None, source=None):
        self.sock = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        self.sock.settimeout(DEADLINE)
        if source:
            self.sock.bind((source, 0))
        self.sock.connect(path or ("127.0.0.1", port))
        self.file = self.sock.makefile("rb")

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())

    def answer(self):
        try:
            return reader_of(self.file)
        except ConnectionError:
            return None, {}, b""

    def ask(self, data):
        self.send(data)
        return self.answer()

    def close(self):
        self.file.close()
        self.sock.close()


def finish(tap, farm):
    tap.equal(farm.finish(), 0, "the server ends well")
    sys.exit(tap.done())
