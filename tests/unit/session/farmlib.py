# SPDX-License-Identifier: GPL-2.0
"""A vdiskd with a catalog, its administrator, and machines that log in."""

import base64
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "vdiskd"))
sys.path.insert(0, os.path.join(here, "..", "farm"))

import rawnbd  # noqa: E402
from fakefarm import Pki  # noqa: E402

TAP = rawnbd.Tap()
UUID = "4c4c4544-0043-4210-8052-b3c04f4a33%02x"
MAC = "52:54:00:12:34:%02x"


class LocalConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=rawnbd.DEADLINE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Answer:
    """What the server said: status, headers, json (None when it is none) and body."""

    def __init__(self, response):
        self.status = response.status
        self.headers = dict((k.lower(), v) for k, v in response.getheaders())
        self.body = response.read()
        try:
            self.json = json.loads(self.body) if self.body else None
        except ValueError:
            self.json = None

    def __getitem__(self, key):
        return (self.json or {}).get(key)

    def __repr__(self):
        return "%d %r" % (self.status, self.body[:300])


def ask(connection, method, path, body=None, token=None):
    headers = {"Content-Type": "application/json"} if body is not None else {}
    if token:
        headers["Authorization"] = "Bearer " + token
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        return Answer(connection.getresponse())
    finally:
        connection.close()


class Farm:
    """Starts, stops and starts again; what it keeps is kept."""

    def __init__(self, *args, **popen):
        self.dir = tempfile.mkdtemp(prefix="vdiskd-farm.")
        rawnbd.atexit.register(shutil.rmtree, self.dir, True)
        self.keys = os.path.join(self.dir, "keys")
        self.store = os.path.join(self.dir, "store")
        self.socket = os.path.join(self.dir, "api.sock")
        self.catalog = os.path.join(self.dir, "catalog.db")
        os.mkdir(self.keys, 0o700)
        os.mkdir(self.store)
        pki = Pki(self.keys)
        pki.issue("server")
        self.pin = pki.pin()
        with open(os.path.join(self.keys, "farm.key"), "w", opener=private) as f:
            f.write(os.urandom(32).hex() + "\n")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "farm", "-f",
                        os.path.join(self.keys, "ssh_ca")], check=True, capture_output=True)
        self.args = args
        self.popen = popen
        self.ports = {}
        self.nbd = None
        self.logs = ""
        self.start()

    def start(self):
        """The same ports again after the first time, so that clients find it."""
        listen = "127.0.0.1:%d" % (self.nbd.port if self.nbd else 0)
        options = []
        for kind, option in (("boot", "http"), ("api", "api"), ("api-plain", "api-plain")):
            options += ["--" + option, "127.0.0.1:%d" % self.ports.get(kind, 0)]
        self.server = rawnbd.Server(
            "--catalog", "sqlite:" + self.catalog, "--keys", self.keys, "--socket", self.socket,
            *options, *self.args, store=self.store, listen=(listen,), **self.popen)
        self.nbd = self.server
        for line in self.server.log().splitlines():
            if 'kind=' in line and "listening for http" in line:
                kind = line.split("kind=")[1].split()[0]
                address = line.split("address=")[1].split()[0]
                if ":" in address:
                    self.ports[kind] = int(address.rsplit(":", 1)[1])

    def stop(self):
        self.logs += self.server.log()
        return self.server.stop()

    def log(self):
        return self.logs + (self.server.log() if os.path.exists(self.server.log_path) else "")

    # --- administrator

    def admin(self, method, path, body=None):
        return ask(LocalConnection(self.socket), method, path, body)

    def add(self, kind, /, **fields):
        """A new object, or an exception."""
        answer = self.admin("POST", "/v1/" + kind, fields)
        if answer.status not in (200, 201):
            raise RuntimeError("%s %r: %r" % (kind, fields, answer))
        return answer.json

    def image(self, name, versions=1, size=1 << 20, cmdline=None, **more):
        """An image in store and catalog; its bytes are its name and version again and again."""
        for number in range(1, versions + 1):
            directory = os.path.join(self.store, name, str(number))
            os.makedirs(directory)
            word = b"%-64s" % ("%s@%d" % (name, number)).encode()
            for file, content in (("disk.img", word * (size // 64)), ("vmlinuz", b"kernel" * 1000),
                                  ("initrd.img", b"initramfs" * 1000),
                                  ("cmdline", (cmdline or "rw quiet\n").encode())):
                with open(os.path.join(directory, file), "wb") as f:
                    f.write(content)
            with open(os.path.join(directory, "manifest.json"), "w", encoding="utf-8") as f:
                json.dump({"size": size, "format": 1}, f)
        self.add("images", name=name, **more)
        for number in range(1, versions + 1):
            answer = self.admin("POST", "/v1/images/%s/versions" % name, {"number": number})
            assert answer.status in (200, 201), answer
        answer = self.admin("POST", "/v1/images/%s/current" % name, {"version": versions})
        assert answer.status in (200, 204), answer

    # --- machines

    def tls(self, source=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", self.ports["api"], context=context,
                                           timeout=rawnbd.DEADLINE,
                                           source_address=(source, 0) if source else None)

    def plain(self, source=None):
        return http.client.HTTPConnection("127.0.0.1", self.ports["api-plain"],
                                          timeout=rawnbd.DEADLINE,
                                          source_address=(source, 0) if source else None)

    def api(self, method, path, body=None, token=None, source=None):
        return ask(self.tls(source), method, path, body, token)

    def boot(self, path, source=None, method="GET"):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["boot"],
                                                timeout=rawnbd.DEADLINE,
                                                source_address=(source, 0) if source else None)
        return ask(connection, method, path)

    def login(self, uuid=None, *macs, source=None, plain=False, **more):
        body = {"uuid": uuid or "", "macs": list(macs), **more}
        return ask(self.plain(source) if plain else self.tls(source), "POST", "/v1/sessions", body)

    def stream(self, export, source=None):
        """An NBD client in transmission."""
        return rawnbd.Client(self.nbd, source=source).negotiate(export)

    def refusal(self, export):
        """The reply to GO that is refused: (type, words)."""
        client = rawnbd.Client(self.nbd)
        kind, data = client.go(export)[-1]
        client.close()
        return kind, data.decode()

    def session(self, number):
        return self.admin("GET", "/v1/sessions/%d" % number)

    def state(self, number):
        return self.session(number)["state"]


def private(path, flags):
    return os.open(path, flags, 0o600)


class Secret:
    """A client's own key, as the farm's client has it."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "secret-%s.pem" % os.urandom(4).hex())
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.path],
                       check=True, capture_output=True)
        der = subprocess.run(["openssl", "pkey", "-in", self.path, "-pubout", "-outform", "DER"],
                             check=True, capture_output=True).stdout
        self.public = base64.b64encode(der[-32:]).decode()

    def sign(self, *parts):
        with tempfile.NamedTemporaryFile() as message:
            message.write("|".join(parts).encode())
            message.flush()
            made = subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", self.path, "-rawin",
                                   "-in", message.name], check=True, capture_output=True).stdout
        return base64.b64encode(made).decode()

    def proof(self, farm, uuid, nonce=None):
        nonce = nonce or farm.api("POST", "/v1/challenges", {})["nonce"]
        return {"key": self.public, "nonce": nonce, "signature": self.sign("vdisk-login-1", farm.pin, nonce, uuid)}
