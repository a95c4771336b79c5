# SPDX-License-Identifier: GPL-2.0
"""A bare NBD client, a vdiskd to talk to, and TAP: what the vdiskd tests share."""

import atexit
import ctypes
import fcntl
import os
import platform
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time

BUILD = os.environ.get("B", "build")
VDISKD = os.path.join(BUILD, "vdiskd")
DEADLINE = 30

OPT_EXPORT_NAME, OPT_ABORT, OPT_LIST, OPT_STARTTLS = 1, 2, 3, 5
OPT_INFO, OPT_GO, OPT_STRUCTURED, OPT_LIST_META, OPT_SET_META = 6, 7, 8, 9, 10
REP_ACK, REP_SERVER, REP_INFO, REP_META = 1, 2, 3, 4
ERR = 1 << 31
ERR_UNSUP, ERR_POLICY, ERR_INVALID, ERR_UNKNOWN, ERR_TOO_BIG = ERR | 1, ERR | 2, ERR | 3, ERR | 6, ERR | 9
INFO_EXPORT, INFO_NAME, INFO_BLOCK_SIZE = 0, 1, 3
READ, WRITE, DISC, FLUSH, TRIM, CACHE, ZEROES, STATUS = range(8)
FUA, NO_HOLE, DF, REQ_ONE, FAST_ZERO = 1, 2, 4, 8, 16
EPERM, EIO, EINVAL, ENOSPC = 1, 5, 22, 28
REQUEST = struct.Struct(">IHHQQI")


class Tap:
    """Counts and prints results; leave with exit(tap.done())."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def ok(self, good, what):
        self.count += 1
        if not good:
            self.failed += 1
        print("%sok %d - %s" % ("" if good else "not ", self.count, what), flush=True)
        return good

    def equal(self, got, wanted, what):
        if not self.ok(got == wanted, what):
            print("# got %.300r, wanted %.300r" % (got, wanted), flush=True)

    def skip(self, what, why):
        self.count += 1
        print("ok %d - %s # SKIP %s" % (self.count, what, why), flush=True)

    def done(self):
        print("1..%d" % self.count)
        return 1 if self.failed else 0


def wait_for(condition, seconds=DEADLINE):
    """Polls until condition() is true; False when it never is."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def at_exit(server):
    if server.alive():
        server.process.kill()
    for left in [server.log_path]:
        if os.path.exists(left):
            os.unlink(left)
    if server.made:
        shutil.rmtree(server.store, ignore_errors=True)


# A test that is told to end takes its servers with it.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


class Server:
    """A vdiskd on a free port of loopback, with its own store."""

    def __init__(self, *args, store=None, listen=("127.0.0.1:0",), env=None, **popen):
        self.made = store is None
        self.store = store or tempfile.mkdtemp(prefix="vdiskd-test.")
        self.log_path = tempfile.mktemp(prefix="vdiskd-log.")
        command = [VDISKD, "--store", self.store, *args]
        for address in listen:
            command += ["--listen", address]
        with open(self.log_path, "w") as log:
            self.process = subprocess.Popen(command, stderr=log, env=env, **popen)
        atexit.register(at_exit, self)
        if not wait_for(lambda: "event=serving" in self.log() or self.process.poll() is not None):
            raise RuntimeError("vdiskd did not start: " + self.log())
        if self.process.poll() is not None:
            raise RuntimeError("vdiskd ended at once: " + self.log())
        found = re.search(r"event=listening address=127\.0\.0\.1:(\d+)", self.log())
        self.port = int(found.group(1)) if found else None

    def log(self):
        with open(self.log_path) as log:
            return log.read()

    def uri(self, name=""):
        return "nbd://127.0.0.1:%d/%s" % (self.port, name)

    def path(self, name):
        return os.path.join(self.store, name + ".img")

    def alive(self):
        return self.process.poll() is None

    def stop(self):
        """Ends it; its exit code."""
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        log = self.log()
        os.unlink(self.log_path)
        if self.made:
            shutil.rmtree(self.store)
        if code or "Sanitizer" in log or "runtime error" in log:
            sys.stderr.write(log)
            return code or 99
        return code


class Closed(Exception):
    pass


class Client:
    def __init__(self, server, flags=3, source=None, window=None):
        self.sock = socket.socket()
        self.sock.settimeout(DEADLINE)
        if window:
            # Takes little at a time, in small pieces.
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        if source:
            self.sock.bind((source, 0))
        self.sock.connect(("127.0.0.1", server.port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.structured = False
        self.cookie = 0
        self.info = {}
        self.buffered = b""
        if flags is not None:
            self.hello = self.take(18)
            self.send(struct.pack(">I", flags))

    def unread(self):
        """Bytes that wait in the server's socket."""
        ports = self.sock.getpeername()[1], self.sock.getsockname()[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            with open(table) as f:
                for line in f.readlines()[1:]:
                    field = line.split()
                    if tuple(int(a.split(":")[1], 16) for a in field[1:3]) == ports:
                        return int(field[4].split(":")[1], 16)
        return 0

    def unsent(self):
        """Bytes that haven't come to the server's socket yet."""
        return struct.unpack("i", fcntl.ioctl(self.sock, termios.TIOCOUTQ, bytes(4)))[0]

    def close(self):
        self.sock.close()

    def reset(self):
        """Closes with an RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def take(self, length):
        while len(self.buffered) < length:
            try:
                piece = self.sock.recv(max(65536, length - len(self.buffered)))
            except ConnectionError:
                piece = b""
            if not piece:
                raise Closed()
            self.buffered += piece
        data, self.buffered = self.buffered[:length], self.buffered[length:]
        return data

    def is_closed(self, seconds=DEADLINE):
        """Whether the server ends the connection in time, whatever it says before."""
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            if left < 0 or not select.select([self.sock], [], [], left)[0]:
                return False
            try:
                if not self.sock.recv(65536):
                    return True
            except ConnectionError:
                return True

    def is_open(self):
        """Whether nothing has come yet, not even the end."""
        return not select.select([self.sock], [], [], 0.1)[0]

    # --- handshake

    def option(self, option, data=b"", length=None):
        length = len(data) if length is None else length
        self.send(struct.pack(">8sII", b"IHAVEOPT", option, length) + data)

    def reply(self):
        magic, option, kind, length = struct.unpack(">QIII", self.take(20))
        assert magic == 0x3E889045565A9, hex(magic)
        return kind, self.take(length), option

    def replies(self):
        """All replies to one option: [(type, data)], the last an ACK or an error."""
        found = []
        while True:
            kind, data, _ = self.reply()
            found.append((kind, data))
            if kind == REP_ACK or kind & ERR:
                return found

    def go(self, name, option=OPT_GO, infos=(INFO_NAME,)):
        name = name.encode() if isinstance(name, str) else name
        data = struct.pack(">I", len(name)) + name + struct.pack(">H", len(infos))
        self.option(option, data + b"".join(struct.pack(">H", i) for i in infos))
        found = self.replies()
        for kind, data in found:
            if kind == REP_INFO:
                self.info[struct.unpack(">H", data[:2])[0]] = data[2:]
        if INFO_EXPORT in self.info:
            self.size, self.flags = struct.unpack(">QH", self.info[INFO_EXPORT])
        return found

    def negotiate(self, name, structured=True, contexts=()):
        """The whole handshake; asserts that it succeeds."""
        if structured:
            self.option(OPT_STRUCTURED)
            assert self.replies()[-1][0] == REP_ACK
            self.structured = True
        self.contexts = {}
        if contexts:
            for kind, data in self.meta(OPT_SET_META, name, contexts):
                if kind == REP_META:
                    self.contexts[struct.unpack(">I", data[:4])[0]] = data[4:].decode()
        found = self.go(name)
        assert found[-1][0] == REP_ACK, found
        return self

    def meta(self, option, name, queries, count=None):
        data = struct.pack(">I", len(name)) + name.encode()
        data += struct.pack(">I", len(queries) if count is None else count)
        for query in queries:
            data += struct.pack(">I", len(query)) + query.encode()
        self.option(option, data)
        return self.replies()

    # --- transmission

    def request(self, command, offset=0, length=0, flags=0, data=b"", cookie=None):
        if cookie is None:
            self.cookie += 1
            cookie = self.cookie
        self.send(REQUEST.pack(0x25609513, flags, command, cookie, offset, length) + data)
        return cookie

    def chunk(self):
        flags, kind, cookie, length = struct.unpack(">HHQI", self.take(16))
        return flags, kind, cookie, self.take(length)

    def answer(self, length=0, offset=0):
        """One reply: (cookie, error, data or {context: extents}, number of chunks)."""
        pieces, error, chunks, covered, status = [], 0, 0, 0, {}
        while True:
            magic = struct.unpack(">I", self.take(4))[0]
            if magic == 0x67446698:
                error, cookie = struct.unpack(">IQ", self.take(12))
                return cookie, error, b"" if error else self.take(length), 1
            assert magic == 0x668E33EF, hex(magic)
            flags, kind, cookie, payload = self.chunk()
            chunks += 1
            if kind == 1:
                at = struct.unpack(">Q", payload[:8])[0] - offset
                assert 0 <= at and at + len(payload) - 8 <= length
                pieces.append((at, payload[8:]))
                covered += len(payload) - 8
            elif kind == 5:
                words = struct.unpack(">%dI" % (len(payload) // 4), payload)
                assert words[0] not in status
                status[words[0]] = list(zip(words[1::2], words[2::2]))
            elif kind & 0x8000:
                error = struct.unpack(">I", payload[:4])[0]
            else:
                assert kind == 0 and not payload
            if flags & 1:
                break
        if status:
            return cookie, error, status, chunks
        assert error or covered == length, (covered, length)
        data = bytearray(0 if error else length)
        for at, piece in pieces if not error else ():
            data[at:at + len(piece)] = piece
        return cookie, error, bytes(data), chunks

    def collect(self, asked):
        """The replies to reads {cookie: (offset, length)}, in whatever order: {cookie: (error, data, chunks)}."""
        found, parts = {}, {k: [bytearray(n), 0, 0, 0] for k, (_, n) in asked.items()}
        while len(found) < len(asked):
            magic = struct.unpack(">I", self.take(4))[0]
            if magic == 0x67446698:
                error, cookie = struct.unpack(">IQ", self.take(12))
                found[cookie] = (error, b"" if error else self.take(asked[cookie][1]), 1)
                continue
            assert magic == 0x668E33EF, hex(magic)
            flags, kind, cookie, payload = self.chunk()
            assert cookie not in found
            part = parts[cookie]
            part[3] += 1
            if kind == 1:
                at = struct.unpack(">Q", payload[:8])[0] - asked[cookie][0]
                assert 0 <= at and at + len(payload) - 8 <= asked[cookie][1]
                part[0][at:at + len(payload) - 8] = payload[8:]
                part[1] += len(payload) - 8
            elif kind & 0x8000:
                part[2] = struct.unpack(">I", payload[:4])[0]
            if flags & 1:
                assert part[2] or part[1] == asked[cookie][1]
                found[cookie] = (part[2], bytes(part[0]), part[3])
        return found

    def call(self, command, offset=0, length=0, flags=0, data=b""):
        """Request and its reply: (error, data)."""
        cookie = self.request(command, offset, length, flags, data)
        got, error, found, _ = self.answer(length if command == READ else 0, offset)
        assert got == cookie
        return error, found

    def disconnect(self):
        self.request(DISC)
        closed = self.is_closed()
        self.close()
        return closed


# Numbers of system calls that tests refuse, on machines where we know them
CALLS = {
    "x86_64": {"fdatasync": 75, "socket": 41},
    "aarch64": {"fdatasync": 83, "socket": 198},
}.get(platform.machine(), {})


class Program(ctypes.Structure):
    _fields_ = [("count", ctypes.c_ushort), ("code", ctypes.c_void_p)]


def refuse_call(name, error, argument=None):
    """From now on, in this process and its children, the system call (with that first argument) fails."""
    code = [
        (0x20, 0, 0, 0),                                # load the number of the call
        (0x15, 0, 3 if argument is not None else 1, CALLS[name]),
        (0x20, 0, 0, 16),                               # load its first argument
        (0x15, 0, 1, argument or 0),
        (0x06, 0, 0, 0x00050000 | error),
        (0x06, 0, 0, 0x7FFF0000)]                       # go on
    if argument is None:
        del code[2:4]
    buffer = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
    program = Program(len(code), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")


def stores():
    """Folders to test in: one on disk, one in memory; both are removed by the caller."""
    found = [("disk", tempfile.mkdtemp(prefix="vdiskd-test.", dir="/var/tmp"))]
    if os.access("/dev/shm", os.W_OK):
        found.append(("memory", tempfile.mkdtemp(prefix="vdiskd-test.", dir="/dev/shm")))
    for _, path in found:
        atexit.register(shutil.rmtree, path, True)
    return found
