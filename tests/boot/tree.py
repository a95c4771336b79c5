# SPDX-License-Identifier: GPL-2.0
"""Parts of a real initramfs at work without a machine: in its own tree, and in namespaces."""

import os
import subprocess

from machine import Failure

TIME_S = 120
# It is process 1 in there, and has no device to speak of.  The kernel is still ours: what would
# restart the machine or load a driver must not reach it.
ENTER = r"""
cd "$1" && mkdir -p dev proc run sys tmp && mount -t proc proc proc && mount -t sysfs sys sys &&
{ [ ! -e proc/sysrq-trigger ] || mount --bind /dev/null proc/sysrq-trigger; } && mount --bind cmdline proc/cmdline &&
mount -t tmpfs run run && mount -t tmpfs tmp tmp && mount -t tmpfs dev dev || exit
for name in null zero random urandom; do
	: >dev/$name && mount --bind /dev/$name dev/$name || exit
done
exec chroot . /bin/sh -c "$2"
"""
BEFORE = """
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
cd /
"""


class Tree:
    """An initramfs of a kind, unpacked, with a network card "lan0" in a lab."""

    def __init__(self, lab, kind, image):
        self.path = os.path.join(lab.dir, kind)
        self.namespace = lab.other("10.77.0.200" if kind == "tools" else "10.77.0.201")
        os.mkdir(self.path)
        unpacked = subprocess.run(f"zstd -dc '{image}' | cpio -idm --quiet", shell=True,
                                  cwd=self.path, capture_output=True, text=True, check=False)
        if not os.path.exists(os.path.join(self.path, "usr/lib/vdisk/vdisk-lib.sh")):
            raise Failure(f"the initramfs {kind} cannot be unpacked: {unpacked.stderr}")
        for name in ("modprobe", "udevadm", "reboot", "poweroff", "halt"):
            self.stub(name, "")
        self.put("etc/machine-id", "0123456789abcdef0123456789abcdef\n")

    def put(self, name, text, mode=0o644):
        """A file in place of what is there."""
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.lexists(path):
            os.unlink(path)
        with open(path, "w", encoding="ascii") as out:
            out.write(text)
        os.chmod(path, mode)

    def stub(self, name, text):
        """A script in place of a program, wherever that is."""
        for folder in ("usr/sbin", "usr/bin"):
            self.put(os.path.join(folder, name), "#!/bin/sh\n" + text + "\n", 0o755)

    def run(self, script, cmdline=""):
        """What a script prints, its errors too, with that command line of the kernel."""
        self.put("cmdline", cmdline + "\n")
        result = subprocess.run(
            self.namespace.command("unshare", "--mount", "--uts", "--ipc", "--pid", "--fork",
                                   "--kill-child", "sh", "-c", ENTER, "sh", self.path,
                                   BEFORE + script),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=TIME_S, check=False)
        return result.stdout.decode(errors="replace")
