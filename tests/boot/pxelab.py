# SPDX-License-Identifier: GPL-2.0
"""A network of its own for machines that boot from it.

    this process: the server           the switch              another server
    10.77.0.1/24  lan0 ── veth ── port0 ─ br0 ─ portN ── veth ── lan0
                                          ├─ tap0 ── machine
                                          └─ tap1 ── machine

Each of them is a network namespace, and the server has mounts of its own, too:
what it writes to /etc, /run and /var/lib never reaches the machine it runs on.
The namespaces go when the last process in them has ended.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import uuid

from machine import BUILD, Failure, Machine, acceleration

NETWORK = "10.77.0"
SERVER = NETWORK + ".1"
CLONE_NEWNS, CLONE_NEWNET = 0x20000, 0x40000000
MS_REC, MS_PRIVATE, MS_BIND = 0x4000, 1 << 18, 4096
FIRMWARE = "/usr/share/OVMF/OVMF_CODE_4M.fd"
FIRMWARE_VARIABLES = "/usr/share/OVMF/OVMF_VARS_4M.fd"
LIBC = ctypes.CDLL(None, use_errno=True)


def check_call(result, what):
    if result:
        raise Failure(f"{what}: {os.strerror(ctypes.get_errno())}")


def why_not():
    """Why there can be no lab here, or None."""
    if os.geteuid():
        return "namespaces and taps need root"
    if not os.path.exists("/dev/net/tun"):
        return "there is no /dev/net/tun"
    return None


def skip_without_lab():
    """A test that can't be, says so."""
    why = why_not()
    if why:
        print(f"TAP version 13\n1..0 # SKIP {why}")
        sys.exit(0)


def each_in_its_lab(tap, *functions):
    """Runs tests one after the other, each in a process of its own, which may make a lab."""
    for function in functions:
        read_end, write_end = os.pipe()
        child = os.fork()
        if not child:
            try:
                function(tap)
            except Failure as error:
                tap.ok(False, f"{function.__name__} goes on to its end", error)
            except Exception:  # pylint: disable=broad-except
                tap.ok(False, f"{function.__name__} goes on to its end", traceback.format_exc())
            os.write(write_end, f"{tap.done} {tap.failed}".encode())
            sys.stdout.flush()
            os._exit(0)
        os.close(write_end)
        with os.fdopen(read_end) as counts:
            words = counts.read().split()
        os.waitpid(child, 0)
        if len(words) != 2:
            raise Failure(f"{function.__name__} ended without a word")
        tap.done, tap.failed = map(int, words)


def ip(*words):
    result = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if result.returncode:
        raise Failure(f"ip {' '.join(words)}: {result.stderr.strip()}")


def mount(source, target, kind, flags=0):
    check_call(LIBC.mount(source.encode(), target.encode(), kind and kind.encode(), flags, None),
               f"mount {target}")


def private_mounts():
    """Own /run, /var/lib and /etc: empty ones, and a copy."""
    check_call(LIBC.unshare(CLONE_NEWNS), "unshare")
    check_call(LIBC.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "mount /")
    with tempfile.TemporaryDirectory(prefix="vdisk-lab-") as etc:
        mount("tmpfs", etc, "tmpfs")
        shutil.copytree("/etc", etc, symlinks=True, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("vdisk", "dnsmasq.d"))
        mount(etc, "/etc", None, MS_BIND)
        check_call(LIBC.umount2(etc.encode(), 2), "umount")
    for path in ("/run", "/var/lib"):
        mount("tmpfs", path, "tmpfs")


class Namespace:
    """A network namespace, kept by a descriptor."""

    def __init__(self):
        before = os.open("/proc/self/ns/net", os.O_RDONLY)
        check_call(LIBC.unshare(CLONE_NEWNET), "unshare")
        self.fd = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.path = f"/proc/{os.getpid()}/fd/{self.fd}"
        ip("link", "set", "lo", "up")
        check_call(LIBC.setns(before, CLONE_NEWNET), "setns")
        os.close(before)

    def enter(self):
        check_call(LIBC.setns(self.fd, CLONE_NEWNET), "setns")

    def command(self, *words):
        return ["nsenter", "--net=" + self.path, *words]

    def ip(self, *words):
        subprocess.run(self.command("ip", *words), check=True)


class Lab:
    """The network; whoever makes it becomes its server."""

    def __init__(self):
        private_mounts()
        self.ports = 0
        self.processes = []
        self.switch = Namespace()
        self.switch.ip("link", "add", "br0", "type", "bridge")
        self.switch.ip("link", "set", "br0", "up")
        self.server = Namespace()
        self.server.enter()
        self.dir = tempfile.mkdtemp(prefix="vdisk-lab-")
        self.plug(self.server, SERVER)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            stop(process)
        shutil.rmtree(self.dir, ignore_errors=True)

    def plug(self, namespace, address, device="lan0"):
        """Connects a namespace to the switch."""
        port = f"port{self.ports}"
        self.ports += 1
        self.switch.ip("link", "add", port, "master", "br0", "up", "type", "veth",
                       "peer", "name", device, "netns", namespace.path)
        namespace.ip("address", "add", address + "/24", "dev", device)
        namespace.ip("link", "set", device, "up")

    def other(self, address):
        """Another machine with an address of its own."""
        namespace = Namespace()
        self.plug(namespace, address)
        return namespace

    def tap(self):
        name = f"tap{self.ports}"
        self.ports += 1
        self.switch.ip("tuntap", "add", name, "mode", "tap")
        self.switch.ip("link", "set", name, "master", "br0", "up")
        return name

    def daemon(self, name, words, namespace=None, ready=None):
        """A program that stays until the lab is left; ready: words in its log."""
        path = os.path.join(BUILD, "log", "boot", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as log:
            # pylint: disable=consider-using-with
            process = subprocess.Popen(namespace.command(*words) if namespace else words,
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.processes.append(process)
        deadline = time.monotonic() + 30
        while ready and ready not in read(path):
            if process.poll() is not None or time.monotonic() > deadline:
                raise Failure(f"{words[0]} does not run: {read(path)[-500:]!r}")
            time.sleep(0.05)
        return process

    def dnsmasq(self, name, *lines, config=None, namespace=None, dns=0):
        """A dnsmasq with a file of its own, or with lines; dns: its port for names."""
        if not config:
            config = os.path.join(self.dir, name + ".conf")
            with open(config, "w", encoding="utf-8") as out:
                out.write("\n".join(lines) + "\n")
        return self.daemon(name + ".dnsmasq", [
            "dnsmasq", "--keep-in-foreground", "--log-facility=-", "--log-dhcp", "--user=root",
            "--conf-file=" + config, "--pid-file=", "--leasefile-ro", f"--port={dns}"],
            namespace, "started")


def stop(process):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def read(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


class NetMachine(Machine):
    """A machine whose firmware boots it; nothing is given to it but its hardware.

    firmware: bios, uefi (its own PXE), http (UEFI's HTTP boot)
    rom: whether the NIC brings iPXE along
    """

    def __init__(self, lab, name, firmware="bios", rom=True, identity=None, mac=None,
                 memory=1024, nic="virtio-net-pci", boot_nic=True, extra=()):
        super().__init__(name, None, None, "", memory)
        self.uuid = identity or str(uuid.uuid4())
        self.mac = mac or "52:54:00:" + ":".join(f"{b:02x}" for b in os.urandom(3))
        tap = lab.tap()
        rom_file = "" if rom else ",romfile="
        self.args = lab.switch.command(
            "qemu-system-x86_64", "-M", "q35,graphics=off,sata=off,smbus=off", *acceleration(),
            "-smp", "2", "-m", str(memory), "-nodefaults", "-display", "none",
            "-no-reboot", "-serial", "stdio", "-device", "virtio-rng-pci",
            "-qmp", f"unix:{self.qmp_path},server=on,wait=off", "-uuid", self.uuid,
            "-netdev", f"tap,id=n0,ifname={tap},script=no,downscript=no",
            "-device", f"{nic},netdev=n0,mac={self.mac}{rom_file}"
            + (",bootindex=1" if boot_nic else ""),
            *self._firmware(firmware), *extra)

    def _firmware(self, firmware):
        if firmware == "bios":
            return []
        variables = os.path.join(self.dir, "vars.fd")
        shutil.copy(FIRMWARE_VARIABLES, variables)
        flash = ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={FIRMWARE}",
                 "-drive", f"if=pflash,format=raw,unit=1,file={variables}"]
        if firmware == "http":
            for family in ("IPv4", "IPv6"):
                flash += ["-fw_cfg", f"name=opt/org.tianocore/{family}PXESupport,string=no"]
        return flash
