"""What suites need to make starts of image VMs fail: taken ports, keys, spoilt images."""
import os
import shutil
import socket
import subprocess

from robot.api.deco import keyword, library


@library(scope="SUITE", auto_keywords=False)
class ImageFaults:
    def __init__(self):
        self._taken = []
        self._mounts = []

    @keyword
    def take_tcp_port(self, port: int):
        """Listens on a port of 127.0.0.1, so that nobody else can."""
        taken = socket.socket()
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen(1)
        self._taken.append(taken)

    @keyword
    def give_ports_back(self):
        while self._taken:
            self._taken.pop().close()

    @keyword
    def make_key(self, path: str, passphrase: str = ""):
        """A new key pair, at ``path`` and ``path``.pub; returns the fingerprint."""
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", path],
                       check=True)
        listed = subprocess.run(["ssh-keygen", "-l", "-f", path], check=True,
                                capture_output=True, text=True)
        return listed.stdout.split()[1]

    @keyword
    def fingerprint_of(self, path: str):
        listed = subprocess.run(["ssh-keygen", "-l", "-f", path], check=True,
                                capture_output=True, text=True)
        return listed.stdout.split()[1]

    @keyword
    def mount_read_only(self, source: str, target: str):
        """Shows a directory once more, read-only: root may write to read-only files."""
        os.makedirs(target, exist_ok=True)
        subprocess.run(["mount", "--bind", source, target], check=True)
        self._mounts.append(target)
        subprocess.run(["mount", "-o", "remount,bind,ro", target], check=True)

    @keyword
    def unmount_all(self):
        while self._mounts:
            subprocess.run(["umount", self._mounts.pop()], check=True)

    @keyword
    def copy_image(self, source: str, target: str, *commands: str):
        """A copy of the image, changed by commands of debugfs."""
        os.makedirs(target, exist_ok=True)
        for name in ("vmlinux", "initramfs.cpio", "cmdline", "vhostel.img"):
            subprocess.run(["cp", "--sparse=always", os.path.join(source, name), target],
                           check=True)
        for command in commands:
            subprocess.run(["debugfs", "-w", "-R", command, os.path.join(target, "vhostel.img")],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @keyword
    def copy_image_without_agent(self, source: str, target: str):
        """A copy of the image whose guest agent listens on a port that is not there."""
        os.makedirs(target, exist_ok=True)
        defaults = os.path.join(target, "defaults")
        with open(defaults, "w", encoding="ascii") as file:
            file.write("TRANSPORT=isa-serial:/dev/ttyS9\n")
        self.copy_image(source, target, "mkdir /etc/default",
                         f"write {defaults} /etc/default/qemu-guest-agent")

    @keyword
    def copy_image_with_key(self, source: str, target: str, key: str):
        """A copy of the image into which the owner of a key may log in as cisco."""
        there = "/home/cisco/.ssh"
        owner = [f"set_inode_field {path} {field} 1000"
                 for path in (there, f"{there}/authorized_keys") for field in ("uid", "gid")]
        self.copy_image(source, target, f"mkdir {there}",
                         f"write {key}.pub {there}/authorized_keys", *owner)

    @keyword
    def processes_with(self, text: str):
        """Pids of processes that have ``text`` in their command line."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    if text.encode() in file.read():
                        found.append(int(pid))
            except OSError:
                pass
        return found

    @keyword
    def resident_mib(self, pid: int):
        """Memory of a process that is in RAM."""
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) / 1024
        raise AssertionError(f"process {pid} has no memory")

    @keyword
    def remove_tree(self, path: str):
        shutil.rmtree(path, ignore_errors=True)
