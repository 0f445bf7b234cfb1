"""A stand-in for VPP, which Debian does not have: it takes the commands of the server's driver and
keeps what VPP would, but it forwards nothing.

As a library it starts and asks one; as a program it is VPP (`serve SOCKET`) or vppctl (`-s SOCKET
WORD...`). Commands and answers are those of the VPP CLI reference.
"""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile

HERE = os.path.abspath(__file__)
# Instead of counters, and vppctl fails.
MUTE = "cli: no answer"


class Vpp:
    """What VPP would know. Every command returns what VPP prints."""

    def __init__(self):
        self.interfaces = {}
        self.domains = {}
        self.refuse_after = None
        self.made = 0
        self.mute = False

    def _add(self, name, **facts):
        self.interfaces[name] = dict(facts, up=False, l2=None)
        return name

    def _delete(self, name):
        if name not in self.interfaces:
            return f"unknown interface `{name}'"
        del self.interfaces[name]
        for domain in self.domains.values():
            domain["members"] = [member for member in domain["members"] if member != name]
        return ""

    def _create_port(self, name, **facts):
        if self.refuse_after is not None and not self.refuse_after:
            return "create: no more memory for interfaces"
        if name in self.interfaces:
            return "create: interface already exists"
        if self.refuse_after:
            self.refuse_after -= 1
        return self._add(name, **facts)

    def _domain(self, number, words):
        if "del" in words:
            if self.domains.get(number, {}).get("members"):
                return "create bridge-domain: bridge domain in use - remove members"
            return "" if self.domains.pop(number, None) else "bridge domain ID does not exist"
        if number in self.domains:
            return "create bridge-domain: bd_add_del returned -119"
        self.domains[number] = {"tag": words[words.index("bd-tag") + 1], "members": []}
        return f"bridge-domain {number}"

    def _show_vhost(self):
        return "\n".join(f"Interface: {name} (ifindex 1)\n virtio_net_hdr_sz 12\n"
                         f" socket filename {facts['socket']} type client errno \"Success\"\n"
                         for name, facts in self.interfaces.items() if "socket" in facts)

    def run(self, words):
        match words:
            case ["create", "vhost-user", "socket", path]:
                self.made += 1
                return self._create_port(f"VirtualEthernet0/0/{self.made - 1}", socket=path)
            case ["create", "host-interface", "name", device]:
                return self._create_port(f"host-{device}", device=device)
            case ["create", "bridge-domain", number, *more]:
                return self._domain(number, more)
            case ["delete", "vhost-user", name]:
                return self._delete(name)
            case ["delete", "host-interface", "name", device]:
                return self._delete(f"host-{device}")
            case ["set", "interface", "state", name, "up"]:
                self.interfaces[name]["up"] = True
                return ""
            case ["set", "interface", "l2", "xconnect", name, other]:
                self.interfaces[name]["l2"] = other
                return ""
            case ["set", "interface", "l2", "bridge", name, number]:
                self.interfaces[name]["l2"] = number
                self.domains[number]["members"].append(name)
                return ""
            case ["show", "interface", _] if self.mute:
                return MUTE
            case ["show", "interface", name]:
                return (f"{name}  1  up  rx packets    7\n   rx bytes   420\n"
                        "  tx packets   5\n  tx bytes  300\n")
            case ["show", "vhost-user"]:
                return self._show_vhost()
            case ["show", "bridge-domain", number, "bd-tag"]:
                return f"  BD-Tag: {self.domains[number]['tag']}"
            case ["stand-in", "state"]:
                return json.dumps({"interfaces": self.interfaces, "domains": self.domains})
            case ["stand-in", "refuse-after", count]:
                self.refuse_after = int(count)
                return ""
            case ["stand-in", "mute", word]:
                self.mute = word == "True"
                return ""
        return f"unknown input `{' '.join(words)}'"


def serve(path):
    vpp = Vpp()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        print("listening", flush=True)
        while True:
            connection, _ = listener.accept()
            with connection, connection.makefile("rw") as stream:
                line = stream.readline()
                if line:
                    stream.write(vpp.run(json.loads(line)))


def control(path, words):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        with connection.makefile("rw") as stream:
            stream.write(json.dumps(words) + "\n")
            stream.flush()
            return stream.read()


class VppStandIn:
    ROBOT_LIBRARY_SCOPE = "SUITE"

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="vh-vpp-", dir="/tmp"))
        self.path = str(self.directory / "cli.sock")
        self.process = None

    def start_vpp_stand_in(self):
        """Returns the paths of its command line socket and of a vppctl for it."""
        vppctl = self.directory / "vppctl"
        vppctl.write_text(f'#!/bin/sh\nexec {sys.executable} {HERE} "$@"\n')
        vppctl.chmod(0o755)
        pathlib.Path(self.path).unlink(missing_ok=True)
        self.process = subprocess.Popen([sys.executable, HERE, "serve", self.path],
                                        stdout=subprocess.PIPE)
        self.process.stdout.readline()
        return self.path, str(vppctl)

    def kill_vpp_stand_in(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def remove_vpp_stand_in(self):
        self.kill_vpp_stand_in()
        shutil.rmtree(self.directory, ignore_errors=True)

    def tell_vpp(self, *words):
        return control(self.path, words)

    def get_vpp_state(self):
        return json.loads(control(self.path, ["stand-in", "state"]))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    answer = control(sys.argv[2], sys.argv[3:])
    print(answer)
    sys.exit(answer == MUTE)
