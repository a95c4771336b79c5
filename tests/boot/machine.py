# SPDX-License-Identifier: GPL-2.0
"""A machine without a disk, in qemu, driven over its serial console."""

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, os.environ.get("B", "build"))
ESCAPES = re.compile(rb"\x1b(\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|[=>78])|\r")
HALF_ESCAPE = re.compile(rb"\x1b(\[[0-9;?]*|[()])?$")


class Failure(Exception):
    """A machine did not do what it was asked, or not in time."""


def acceleration():
    """The emulator's flags.

    Without erms and fsrm the kernel clears and copies pages by words: emulated
    "rep stosb" takes so long that a starved machine sees nothing but its timer.
    """
    return ["-accel", "tcg,thread=multi", "-cpu", "max,la57=off,erms=off,fsrm=off"]


class Machine:
    """One run of a machine: from power on to power off."""

    def __init__(self, name, kernel, initrd, cmdline, memory=1024):
        self.name = name
        self.dir = tempfile.mkdtemp(prefix="vdisk-machine-")
        self.qmp_path = os.path.join(self.dir, "qmp")
        logs = os.path.join(BUILD, "log", "boot")
        os.makedirs(logs, exist_ok=True)
        self.log_path = os.path.join(logs, name + ".console")
        self.args = [
            "qemu-system-x86_64", "-M", "q35,sata=off,smbus=off", *acceleration(),
            "-smp", "2", "-m", str(memory), "-nodefaults", "-display", "none",
            "-no-reboot", "-serial", "stdio",
            "-qmp", f"unix:{self.qmp_path},server=on,wait=off",
            "-netdev", "user,id=n0",
            "-device", "virtio-net-pci,netdev=n0,romfile=",
            "-kernel", kernel, "-initrd", initrd,
            # A starved emulator looks like a locked-up CPU to its guest, and
            # like services that do not start.
            "-append", "console=ttyS0 panic=-1 nowatchdog no_timer_check "
            "systemd.default_timeout_start_sec=900 sysrq_always_enabled=1 " + cmdline,
        ]
        self.text = b""
        self.seen = 0
        self.changed = threading.Condition()
        self.process = None
        self.started = None
        self.ended = None

    def start(self):
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.args, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)

    def _read(self):
        held = b""
        with open(self.log_path, "wb") as log:
            while True:
                data = os.read(self.process.stdout.fileno(), 65536)
                if not data:
                    break
                log.write(data)
                log.flush()
                data = held + data
                half = HALF_ESCAPE.search(data)
                held = half.group(0) if half else b""
                data = data[:len(data) - len(held)]
                with self.changed:
                    self.text += ESCAPES.sub(b"", data)
                    self.changed.notify_all()
        self.process.wait()
        with self.changed:
            self.ended = time.monotonic()
            self.changed.notify_all()

    def console(self, start=0):
        """What the console has shown, from a place in it."""
        with self.changed:
            return self.text[start:].decode(errors="replace")

    def take(self, start):
        """What came since a place, and the place it ends at."""
        with self.changed:
            return self.text[start:].decode(errors="replace"), len(self.text)

    def place(self):
        with self.changed:
            return len(self.text)

    def expect(self, pattern, timeout, start=None):
        """Waits until pattern comes after what was expected last."""
        regex = re.compile(pattern.encode(), re.M)
        deadline = time.monotonic() + timeout
        with self.changed:
            begin = self.seen if start is None else start
            while True:
                match = regex.search(self.text, begin)
                if match:
                    self.seen = match.end()
                    return match.group(0).decode(errors="replace")
                left = deadline - time.monotonic()
                if left <= 0 or self.ended:
                    why = "the machine ended" if self.ended else f"{timeout} s"
                    raise Failure(f"{self.name}: no {pattern!r} on the console ({why}); "
                                  f"last: {self.text[-300:].decode(errors='replace')!r}")
                self.changed.wait(min(left, 1))

    def send(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def login(self, timeout=300):
        """Logs root in, and makes the shell a quiet one."""
        self.expect(r"^\S+ login: ", timeout)
        self.send("root")
        self.expect(r"Password: ", 60)
        self.send("vdisk")
        self.expect(r"root@\S+:~# ", 120)
        self.send("stty -echo; dmesg -n 1; PS1=; PS2=; TERM=dumb; unset PROMPT_COMMAND; echo rea''dy")
        self.expect(r"^ready$", 60)

    def run(self, command, timeout=120):
        """Runs a command in the shell; returns its output and status."""
        begin = self.place()
        self.send(f"{{ {command}\n}} 2>&1; echo \"=='$?'==\"")
        try:
            end = self.expect(r"=='\d+'==$", timeout, begin)
        except Failure:
            self.show_blocked()
            raise
        output = self.console(begin)
        return output[:output.rindex(end)].strip(), int(end.strip("='"))

    def check_output(self, command, timeout=120):
        output, status = self.run(command, timeout)
        if status:
            raise Failure(f"{self.name}: {command!r} ended with {status}: {output!r}")
        return output

    def qmp(self, command, **arguments):
        """One command to the emulator itself."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(self.qmp_path)
            stream = s.makefile("rw")
            stream.readline()
            for request in ({"execute": "qmp_capabilities"},
                            {"execute": command, "arguments": arguments}):
                stream.write(json.dumps(request) + "\n")
                stream.flush()
                answer = json.loads(stream.readline())
                while "event" in answer:
                    answer = json.loads(stream.readline())
                if "error" in answer:
                    raise Failure(f"{self.name}: {command}: {answer['error']}")

    def show_blocked(self):
        """Has the kernel show who waits for what, for the one who reads the log."""
        for key in ("9", "w", "t"):
            self.qmp("chardev-send-break", id="serial0")
            self.process.stdin.write(key.encode())
            self.process.stdin.flush()
            time.sleep(0.5)     # a key counts within 5 s of its break
        try:
            self.expect("nothing says this", 20)
        except Failure:
            pass

    def wait_off(self, timeout):
        """Waits until the machine has switched itself off."""
        deadline = time.monotonic() + timeout
        with self.changed:
            while not self.ended:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Failure(f"{self.name}: still on after {timeout} s; last: "
                                  f"{self.text[-300:].decode(errors='replace')!r}")
                self.changed.wait(min(left, 1))

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
