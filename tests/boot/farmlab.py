# SPDX-License-Identifier: GPL-2.0
"""A farm in a lab: set up as an administrator does, from the command line."""

import glob
import json
import os
import shutil
import subprocess
import tempfile
import time

from bootlib import Failure, Image, initrd, make
from machine import BUILD
from pxelab import SERVER, Lab, NetMachine, read

STORE = "/var/lib/images"
# What is read of it is compared; an image of a disk that has no filesystem on it.
EMPTY_DISK = os.urandom(8 << 20)
CONSOLE = ("console=ttyS0 panic=-1 nowatchdog no_timer_check "
           "systemd.default_timeout_start_sec=900 sysrq_always_enabled=1 rw")


class Farm(Lab):
    """A lab whose server is vdiskd, its catalog and our dnsmasq.

    kind: of the images' initramfs; None: there is no image
    dhcp: what vdiskadm init is told
    store: where images are; it is the server's own, in memory unless it is put elsewhere
    """

    def __init__(self, name, kind="tools", dhcp="server", options=(), store=STORE):
        # These may use the network, and what is built must not be private.
        make("user")
        if kind:
            self.image = Image()
            self.initrd = initrd(kind)
        super().__init__()
        self.name = name
        self.store = store
        self.options = list(options)
        self.dhcp = dhcp
        if dhcp == "server":
            self.options += ["--range", "10.77.0.50,10.77.0.99"]

    def __enter__(self):
        try:
            self.init()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def admin(self, *words, check=True):
        """vdiskadm; what it printed."""
        result = subprocess.run([os.path.join(BUILD, "vdiskadm"), *words], check=False,
                                capture_output=True, text=True)
        if check and result.returncode:
            raise Failure(f"vdiskadm {' '.join(words)}: {result.stderr.strip()}")
        return result.stdout

    def admin_json(self, *words):
        return json.loads(self.admin(*words, "--json"))

    def init(self):
        os.environ["HOME"] = "/run/home"
        self.told = self.admin(*self.init_words())

    def init_words(self):
        return ["init", "--interface", "lan0", "--store", self.store, "--name", "demo",
                "--dhcp", self.dhcp, *self.options]

    def start(self):
        self.vdiskd = self.daemon(self.name + ".vdiskd", [
            os.path.join(BUILD, "vdiskd"), "--config", "/etc/vdisk/vdiskd.conf"],
            None, "event=serving")
        self.daemon(self.name + ".dnsmasq", [
            "dnsmasq", "--keep-in-foreground", "--log-facility=-", "--log-dhcp", "--pid-file",
            "--conf-file=/etc/vdisk/dnsmasq.conf"], None, "started")

    def stop_server(self):
        self.vdiskd.terminate()
        self.vdiskd.wait()

    def add_image(self, name="debian12", cmdline=CONSOLE, disk=None, prepared=False):
        """Imports a disk, the cached Debian, and gives it the boot files of a prepared one.

        prepared: as for users: nobody gets a shell when its boot fails
        """
        self.admin("image", "import", name, disk or self.image.path("debian12"), "--format",
                   "raw", "--offline", "--store", self.store)
        version = os.path.join(self.store, name, "1")
        shutil.copy(self.image.kernel, os.path.join(version, "vmlinuz"))
        with open(os.path.join(version, "initrd.img"), "wb") as out:
            with open(self.initrd, "rb") as given:
                shutil.copyfileobj(given, out)
            # The kernel takes another archive at a multiple of four bytes only.
            out.write(bytes(-out.tell() % 4) + self.pin_archive(prepared))
        with open(os.path.join(version, "cmdline"), "w", encoding="ascii") as out:
            out.write(cmdline + "\n")
        self.admin("image", "register", name + "@1")

    def add_empty_image(self):
        """One for users, "empty": its machines end in their initramfs, with the disk attached."""
        disk = os.path.join(self.dir, "empty.img")
        with open(disk, "wb") as out:
            out.write(EMPTY_DISK)
        self.add_image("empty", "rw", disk, prepared=True)

    def disk_with(self, files):
        """A copy of the cached Debian that has more files: path -> where one is, or its text."""
        disk = os.path.join(self.dir, "more.img")
        subprocess.run(["cp", "--sparse=always", self.image.path("debian12"), disk], check=True)
        script = ""
        for number, (path, source) in enumerate(files.items()):
            if not os.path.exists(source):
                text = os.path.join(self.dir, f"file{number}")
                with open(text, "w", encoding="ascii") as out:
                    out.write(source)
                source = text
            script += f"mkdir {os.path.dirname(path)}\nwrite {source} {path}\n"
        # Of a folder that is there it complains, and goes on.
        subprocess.run(["debugfs", "-w", "-f", "-", disk], input=script, text=True, check=True,
                       capture_output=True)
        return disk

    def add_twin(self, name, of="debian12"):
        """The same content under another name."""
        shutil.copytree(os.path.join(self.store, of, "1"), os.path.join(self.store, name, "1"),
                        copy_function=os.link)
        self.admin("image", "register", name + "@1")

    def pin_archive(self, prepared=False):
        """The farm's pin as an initramfs has it, as one more archive behind it."""
        tree = tempfile.mkdtemp(dir=self.dir)
        os.makedirs(os.path.join(tree, "etc/vdisk"))
        if prepared:
            with open(os.path.join(tree, "etc/vdisk/prepared"), "wb"):
                pass
        for path in glob.glob("/etc/vdisk/farm.*"):
            shutil.copy(path, os.path.join(tree, "etc/vdisk"))
        names = "etc\netc/vdisk\n" + "".join(
            f"etc/vdisk/{name}\n" for name in os.listdir(os.path.join(tree, "etc/vdisk")))
        return subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=tree,
                              input=names.encode(), stdout=subprocess.PIPE, check=True).stdout

    def machine(self, name, **options):
        return NetMachine(self, name, **options)

    def started_machine(self, name, image, *words, **options):
        """A machine that has its kernel already, as from a flash of its own: it begins there."""
        version = os.path.join(self.store, image, "1")
        line = f"console=ttyS0 nowatchdog no_timer_check root=vdisk:vdisk://{SERVER}:10811 ip=dhcp"
        return self.machine(name, rom=False, boot_nic=False, extra=[
            "-kernel", os.path.join(version, "vmlinuz"),
            "-initrd", os.path.join(version, "initrd.img"),
            "-append", " ".join([line, *words])], **options)

    def foreign_dhcp(self, *lines, address="10.77.0.2", dns=0):
        """Another DHCP server, which knows nothing of us."""
        return self.dnsmasq(f"foreign-{address}", "interface=lan0", "bind-interfaces",
                            "dhcp-range=10.77.0.50,10.77.0.99,255.255.255.0,1h",
                            f"dhcp-option=option:router,{address}", *lines,
                            namespace=self.other(address), dns=dns)

    def boots(self, client):
        """Its boots, the newest first."""
        return self.admin_json("client", "show", client)["boots"]

    def sessions(self):
        answer = self.admin_json("session", "list")
        return answer if isinstance(answer, list) else answer["sessions"]

    def wait_session(self, state, timeout=60):
        """The one session there is, when it has that state."""
        deadline = time.monotonic() + timeout
        while True:
            sessions = self.sessions()
            for row in sessions:
                if row.get("state") == state:
                    return row
            if time.monotonic() > deadline:
                raise Failure(f"no session is {state}: {sessions}")
            time.sleep(0.5)

    def log(self):
        return read(os.path.join(BUILD, "log", "boot", self.name + ".vdiskd"))


