# SPDX-License-Identifier: GPL-2.0
"""What the boot tests share: the server, the image, TAP."""

import fcntl
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

from machine import BUILD, TOP, Failure, Machine

# A boot takes about a minute when nothing else runs; other tests may.
BOOT_S = 900
OFF_S = 300


# A test that is told to end takes its machines and servers along.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def kernel_version():
    """KVER as make chooses it, unless the environment says."""
    if os.environ.get("KVER"):
        return os.environ["KVER"]
    return subprocess.run(
        ["make", "-s", "-C", TOP, "boot-kver"], check=True, capture_output=True,
        text=True).stdout.strip()


def make(*targets):
    """Builds targets; what make says goes to standard error."""
    command = ["make", "--no-print-directory", "-C", TOP,
               f"B={os.environ.get('B', 'build')}", f"KVER={kernel_version()}", *targets]
    # The flags of a make that runs this test are not for this one.
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    os.makedirs(BUILD, exist_ok=True)
    with open(os.path.join(BUILD, ".boot.lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if subprocess.run(command, stdout=sys.stderr, env=env, check=False).returncode:
            raise Failure("cannot build " + " ".join(targets))


class Image:
    """The Debian that machines boot."""

    def __init__(self):
        result = subprocess.run(
            [os.path.join(TOP, "tests/boot/image"), kernel_version()],
            stdout=subprocess.PIPE, text=True, check=False)
        if result.returncode:
            raise Failure("there is no image to boot")
        self.dir = result.stdout.strip()
        self.kernel = os.path.join(self.dir, "vmlinuz")

    def path(self, name):
        return os.path.join(self.dir, "images", name + ".img")

    def digest(self, name):
        """SHA-256 of an image as it is on the disk now."""
        sha = hashlib.sha256()
        with open(self.path(name), "rb") as f:
            while block := f.read(1 << 22):
                sha.update(block)
        return sha.hexdigest()


def initrd(kind):
    """The path of an initramfs, built when it is older than its parts."""
    name = f"boot/initrd-{kind}.img"
    make(f"{os.environ.get('B', 'build')}/{name}")
    return os.path.join(BUILD, name)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """vdiskd, which serves the images; may be killed and started again."""

    def __init__(self, image, name, *names):
        self.store = tempfile.mkdtemp(prefix="vdisk-store-")
        for one in names or ("debian12", "debian12-gpt"):
            os.symlink(image.path(one), os.path.join(self.store, one + ".img"))
        self.port = free_port()
        self.log_path = os.path.join(BUILD, "log", "boot", name + ".vdiskd")
        os.makedirs(os.path.dirname(self.log_path), exist_ok=True)
        with open(self.log_path, "wb"):
            pass
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.store, ignore_errors=True)

    def uri(self, export="debian12"):
        """As a guest reaches it: 10.0.2.2 is this machine's loopback."""
        return f"nbd://10.0.2.2:{self.port}/{export}"

    def start(self):
        begin = os.path.getsize(self.log_path)
        with open(self.log_path, "ab") as log:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen(
                [os.path.join(BUILD, "vdiskd"), "--store", self.store,
                 "--listen", f"127.0.0.1:{self.port}"], stderr=log)
        self.expect(r"event=serving", 30, begin)
        return self

    def log(self, begin=0):
        with open(self.log_path, "rb") as log:
            log.seek(begin)
            return log.read().decode(errors="replace")

    def expect(self, pattern, timeout, begin=0):
        deadline = time.monotonic() + timeout
        while not re.search(pattern, self.log(begin)):
            if self.process.poll() is not None:
                raise Failure(f"vdiskd ended: {self.log(begin)[-300:]!r}")
            if time.monotonic() > deadline:
                raise Failure(f"vdiskd did not log {pattern!r} in {timeout} s")
            time.sleep(0.05)

    def kill(self, how=signal.SIGKILL):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait()


class Meter:
    """A relay before a server that counts what passes."""

    def __init__(self, port):
        self.target = port
        self.received = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def uri(self, export="debian12"):
        return f"nbd://10.0.2.2:{self.port}/{export}"

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            threading.Thread(target=self._pump, args=(client, server, False),
                             daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, True),
                             daemon=True).start()

    def _pump(self, source, sink, counts):
        try:
            while data := source.recv(1 << 18):
                if counts:
                    with self.lock:
                        self.received += len(data)
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()


class Tap:
    """Results, one a line; an exception fails the test it ended."""

    def __init__(self, plan):
        self.plan = plan
        self.done = 0
        self.failed = 0
        print("TAP version 13")
        print(f"1..{plan}", flush=True)

    def ok(self, good, name, detail=""):
        self.done += 1
        if not good:
            self.failed += 1
            for line in str(detail).splitlines():
                print("# " + line)
        print(f"{'ok' if good else 'not ok'} {self.done} {name}", flush=True)
        return good

    def note(self, text):
        for line in text.splitlines():
            print("# " + line, flush=True)

    def run(self, function, *args):
        """Runs tests; when they break off, the rest of the plan fails."""
        try:
            function(self, *args)
        except Failure as error:
            self.ok(False, "goes on to its end", error)
        except Exception:  # pylint: disable=broad-except
            self.ok(False, "goes on to its end", traceback.format_exc())
        while self.done < self.plan:
            self.ok(False, "not reached")
        sys.exit(1 if self.failed else 0)


def until(what, value, timeout=120):
    """Asks again until there is something to it."""
    deadline = time.monotonic() + timeout
    while True:
        last = value()
        if last:
            return last
        if time.monotonic() > deadline:
            raise Failure(f"{what}: not within {timeout} s")
        time.sleep(0.2)


def boot(image, kind, name, cmdline, **options):
    """A machine, ready to be switched on."""
    return Machine(name, image.kernel, initrd(kind), cmdline, **options)


# What systemd, the kernel or ext4 say when an end is not clean.
UNCLEAN = re.compile(
    r"(?i:I/O error|EXT4-fs (error|warning)|failed unmounting|failed to unmount|"
    r"could not (unmount|detach)|not all .* unmounted|timed out|freezing execution|"
    r"journal.*abort|rejecting I/O)|"
    r"\bBUG: |\bWARNING: |\bOops|Call Trace:|Kernel panic")


def complaints(text):
    return [line for line in text.splitlines() if UNCLEAN.search(line)]


def power_off(machine, how="systemctl poweroff", timeout=OFF_S):
    """Ends a machine as its user would; what the console said meanwhile, and how long it took."""
    machine.check_output("dmesg -n 7")
    begin = machine.place()
    started = time.monotonic()
    machine.send(how)
    machine.wait_off(timeout)
    return machine.console(begin), machine.ended - started
