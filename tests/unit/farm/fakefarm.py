# SPDX-License-Identifier: GPL-2.0
"""A farm's server for tests: TLS with certificates made here, and any answer one likes."""

import base64
import hashlib
import http.server
import json
import os
import socket
import ssl
import subprocess
import threading


def run(*command, data=None):
    return subprocess.run(command, input=data, check=True, capture_output=True).stdout


class Pki:
    """A CA and certificates of it, in a directory."""

    def __init__(self, directory, name="ca", key_of=None, expired=False, subject="vdisk farm CA"):
        self.dir = directory
        self.name = name
        self.key = os.path.join(directory, (key_of or name) + ".key")
        self.certificate = os.path.join(directory, name + ".crt")
        if not key_of:
            self._make_key(self.key)
        self._certify(name, [f'cn = "{subject}"', "ca", "cert_signing_key"], expired,
                      ["--generate-self-signed", "--load-privkey", self.key])

    @staticmethod
    def _make_key(path):
        run("certtool", "--generate-privkey", "--key-type=ecdsa", "--curve=secp256r1",
            "--outfile", path)

    def _certify(self, name, lines, expired, options):
        template = os.path.join(self.dir, name + ".template")
        dates = ('activation_date = "2001-01-01 00:00:00"', 'expiration_date = "2002-01-01 00:00:00"') \
            if expired else ("expiration_days = 3650",)
        with open(template, "w", encoding="ascii") as f:
            f.write("\n".join([*lines, *dates]) + "\n")
        run("certtool", *options, "--template", template, "--outfile",
            os.path.join(self.dir, name + ".crt"))

    def issue(self, name, expired=False, usage="tls_www_server", issuer=None):
        """A certificate; its key and chain as ssl wants them."""
        key = os.path.join(self.dir, name + ".key")
        self._make_key(key)
        ca = issuer or self
        self._certify(name, ['cn = "server"', 'dns_name = "elsewhere.example"', usage], expired,
                      ["--generate-certificate", "--load-privkey", key,
                       "--load-ca-certificate", ca.certificate, "--load-ca-privkey", ca.key])
        leaf = Pki.__new__(Pki)
        leaf.dir, leaf.name, leaf.key = self.dir, name, key
        leaf.certificate = os.path.join(self.dir, name + ".crt")
        return leaf

    def pin(self):
        public = run("certtool", "--pubkey-info", "--load-certificate", self.certificate,
                     "--outder")
        return "sha256//" + base64.b64encode(hashlib.sha256(public).digest()).decode()


def context(leaf, *chain):
    """TLS of a server that shows leaf and chain."""
    path = leaf.certificate + ".chain"
    with open(path, "wb") as out:
        for one in (leaf, *chain):
            with open(one.certificate, "rb") as f:
                out.write(f.read())
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(path, leaf.key)
    return tls


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass

    def any_method(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.server.farm.answer(self, body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = any_method

    def reply(self, status, body=b"", kind="application/json", headers=()):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class HttpServer(http.server.ThreadingHTTPServer):
    daemon_threads = True
    tls = None

    def finish_request(self, request, client_address):
        if self.tls:
            request.settimeout(30)
            request = self.tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        pass                    # a client that hangs up is part of many tests


class Farm:
    """Answers with script(method, path, headers, body, handler), which returns what reply() takes."""

    def __init__(self, script, tls=None, family=socket.AF_INET):
        self.script = script
        self.seen = []
        self.lock = threading.Lock()
        self.http = HttpServer(("127.0.0.1", 0), Handler)
        self.http.farm = self
        self.http.tls = tls
        self.family = family
        self.port = self.http.server_address[1]
        self.address = f"127.0.0.1:{self.port}"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.05},
                         daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()

    def answer(self, handler, body):
        try:
            parsed = json.loads(body) if body else None
        except ValueError:
            parsed = body
        with self.lock:
            self.seen.append((handler.command, handler.path, dict(handler.headers), parsed))
        result = self.script(handler.command, handler.path, handler.headers, parsed, handler)
        if result is not None:
            handler.reply(*result)


class Tap:
    """Results, one a line."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def ok(self, good, name, detail=""):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}", flush=True)
        if not good:
            for line in str(detail).splitlines():
                print("# " + line)
        return good

    def done(self):
        print(f"1..{self.count}")
        return 1 if self.failed or not self.count else 0
