# SPDX-License-Identifier: GPL-2.0
"""Whether a secret shows where others than its owner look: on a machine, and on its server."""

import json
import os
import re
import ssl
import urllib.error
import urllib.request

from machine import Failure

LONGEST = 40        # of a secret that is looked for: a line of a log may be cut
SHORTEST = 8

# Files for root alone.  Each place that is no file itself becomes one here, vdiskctl's as others
# than root see it; what is read from /sys is followed through the links it consists of.  The lists
# are short lines: a console's line has an end.
GATHER = r"""
cd /run/look
journalctl -b --no-pager -o export >journal 2>/dev/null
dmesg >dmesg
udevadm info --export-db >udev
cat /proc/cmdline >cmdline
for p in /proc/[0-9]*; do tr '\0' '\n' <$p/cmdline; done >ps 2>/dev/null
for p in /proc/[0-9]*; do tr '\0' '\n' <$p/environ; done >environ 2>/dev/null
command -v vdiskctl >/dev/null && setpriv --reuid=nobody --regid=nogroup --clear-groups sh -c 'vdiskctl status; vdiskctl status --json' >status
find /run /tmp /var/tmp /etc -xdev -type f -perm /044 >readable
"""
SEARCH = r"""
cd /run/look
found() { grep -laFs -f all "$@"; }
{ found journal dmesg udev cmdline ps environ status
xargs grep -laFs -f all <readable
grep -rlaFs -f all /sys/block/vdisk*/ /sys/module/vdisk/
%s
} | sort -u | while read -r file; do
for name in s.*; do grep -qaFs -f "$name" "$file" && echo "LEAK ${name#s.} in $file"; done
done
true
"""


# Where in a key's file the private half is, which is all of it that is a secret: line, columns.
PRIVATE = {
    "-----BEGIN EC PRIVATE KEY-----": (1, 12, 52),
    "-----BEGIN OPENSSH PRIVATE KEY-----": (4, 6, 46),
}


def piece(text):
    """What is looked for of a secret, in whatever it is quoted."""
    lines = text.split("\n")
    if not lines[0].startswith("-----"):
        return lines[0][:LONGEST]
    # PKCS #8: the algorithm, then the key, which may go on in the next line.
    line, begin, end = PRIVATE.get(lines[0], (1, 22, 62) if len(lines) < 5 else (2, 0, 26))
    return lines[line][begin:end]


def session_secrets(identity):
    """Of what a login gave a machine, by name."""
    export = identity["export"].lstrip("~")
    found = {"session token": export, "signature of the token": export.split(".")[1]}
    for name in ("bearer", "stream_key"):
        if identity.get(name):
            found[name.replace("_", " ")] = identity[name]
    return found


def farm_secrets(keys):
    """Private keys of the server, by name."""
    found = {}
    for name in ("ca.key", "server.key", "farm.key", "ssh_ca"):
        path = os.path.join(keys, name)
        if os.path.exists(path):
            with open(path, encoding="ascii") as file:
                found[name] = file.read()
    return found


class Search:
    """secrets: name -> text"""

    def __init__(self, secrets):
        self.pieces = {}
        for name, text in secrets.items():
            # As a file is called, which a shell is told of.
            self.pieces[re.sub(r"[^\w.]+", "-", name)] = piece(text)
        short = [name for name, text in self.pieces.items() if len(text) < SHORTEST]
        if short:
            raise Failure(f"too short to look for: {short}")

    def on_machine(self, machine, control):
        """Lines of what shows on a machine, and whether the search can find at all.

        control: a file of root's that has some of them in it.
        """
        lines = ["umask 077; rm -rf /run/look; mkdir /run/look"]
        for name, text in self.pieces.items():
            lines += [f"cat >/run/look/s.{name} <<'END'", text, "END"]
        lines += ["cat /run/look/s.* >/run/look/all"]
        for line in lines:
            machine.send(line)
        machine.check_output(GATHER.strip(), 300)
        said = machine.check_output((SEARCH % f"found {control}").strip(), 300)
        machine.check_output("cd; rm -rf /run/look; umask 022")
        leaks = [line for line in said.splitlines() if line.startswith("LEAK ")]
        sure = [line for line in leaks if line.endswith(" in " + control)]
        return [line for line in leaks if line not in sure], sure

    def in_texts(self, texts):
        """Lines of what shows in texts of the server: place -> text."""
        return [f"LEAK {name} in {place}" for place, text in texts.items()
                for name, secret in self.pieces.items() if secret in text]


def get(url, ca=None, token=None):
    """What a listener answers, an error's words included."""
    context = ssl.create_default_context(cafile=ca) if ca else None
    if context:
        context.check_hostname = False
    request = urllib.request.Request(url)
    if token:
        request.add_header("Authorization", "Bearer " + token)
    try:
        with urllib.request.urlopen(request, context=context, timeout=60) as answer:
            return answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.read().decode(errors="replace")


def of_process(pid):
    """What others see of a process."""
    texts = {}
    for name in ("cmdline", "environ"):
        with open(f"/proc/{pid}/{name}", "rb") as file:
            texts[f"/proc/PID/{name} of vdiskd"] = \
                file.read().replace(b"\0", b"\n").decode(errors="replace")
    return texts


def of_api(ask, client):
    """What an administrator is told of a client, of what was done, and of who may do it."""
    paths = [f"/v1/clients/{client}", f"/v1/sessions?client={client}", "/v1/audit", "/v1/tokens",
             "/v1/status"]
    return {"API, " + path: json.dumps(ask("GET", path)) for path in paths}


def of_boot_listener(base, uuid, image):
    """What firmware is told, by anybody's word."""
    paths = ["/boot.ipxe", f"/boot/script?uuid={uuid}", "/healthz", f"/boot/{image}/1/cmdline",
             f"/boot/{image}/1/manifest.json"]
    return {"boot listener, " + re.sub(r"\?.*", "", path): get(base + path) for path in paths}
