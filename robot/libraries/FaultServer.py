"""Servers that a suite starts, kills and starts again.

All servers of a suite inherit one listening socket, so that the address stays and a call that comes
while there is no server waits for the next one.
"""
import os
import select
import signal
import socket
import subprocess
import tempfile

from robot.api import logger
from robot.api.deco import keyword, library

from SideBySide import Call

BUILD = os.environ.get("VHOSTEL_BUILD", os.path.abspath("build"))
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FIRST_INHERITED = 3
# Other work on the machine makes a start slow, not wrong.
START_TIMEOUT = "3 min"
END_SECONDS = 30


@library(scope="SUITE", auto_keywords=False)
class FaultServer:
    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._process = None
        self._directory = None

    @keyword
    def get_server_url(self):
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @keyword
    def get_server_directory(self):
        """A directory for run directory, log and configuration, as short as sockets want it; the
        suite removes it."""
        if not self._directory:
            self._directory = tempfile.mkdtemp(prefix="vh-", dir="/tmp")
        return self._directory

    @keyword
    def start_server(self, run_dir: str, **constants):
        """Starts a server; ``on_exit=keep`` stands for the constant ``server.on_exit``, other names
        are constants with dots. Returns its pid; the first call waits until it serves."""
        config = os.path.join(self.get_server_directory(), "constants.yaml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"kernel_vm.kernel: {BUILD}/kernel-vm/vmlinux\n"
                       f"kernel_vm.initrd: {BUILD}/kernel-vm/initramfs.cpio\n"
                       f"image_vm.image: {BUILD}/image-vm/vhostel.img\n"
                       f"kernel_vm.template_dir: {SOURCE}/config/templates\n"
                       f"timeout.start_kernel_vm: {START_TIMEOUT}\n")
            for name, value in constants.items():
                file.write(f"{name}: {value}\n")
        with open(os.path.join(self._directory, "log"), "ab") as log:
            pid = os.fork()
            if pid == 0:
                os.dup2(log.fileno(), 2)
                os.dup2(self._listener.fileno(), FIRST_INHERITED)
                os.set_inheritable(FIRST_INHERITED, True)
                os.execve(f"{BUILD}/vhosteld",
                          ["vhosteld", "--config", config, "--run-dir", run_dir,
                           "--log-level", "debug"],
                          dict(os.environ, LISTEN_PID=str(os.getpid()), LISTEN_FDS="1"))
        self._process = pid
        return pid

    @keyword
    def signal_server(self, name: str):
        """Sends a signal and waits for the end; returns the exit status, minus a signal's number."""
        descriptor = os.pidfd_open(self._process)
        os.kill(self._process, signal.Signals[name])
        ended = select.select([descriptor], [], [], END_SECONDS)[0]
        os.close(descriptor)
        if not ended:
            raise AssertionError(f"the server runs {END_SECONDS} s after {name}")
        status = os.waitstatus_to_exitcode(os.waitpid(self._process, 0)[1])
        self._process = None
        return status

    @keyword
    def end_server(self):
        """For tear-downs: ends the server if there is one, and all its VMs."""
        if self._process:
            self.call("Qemu Kill All")
            self.signal_server("SIGTERM")
        logger.debug(self.get_server_log())

    @keyword
    def get_server_log(self):
        with open(os.path.join(self._directory, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    @keyword
    def run_server_to_its_end(self, *options: str):
        """Runs a server that is to refuse its work; returns exit status and standard error."""
        result = subprocess.run([f"{BUILD}/vhosteld", "--port", "0", *options], timeout=10,
                                capture_output=True, text=True, check=False)
        return {"rc": result.returncode, "stderr": result.stderr}

    @keyword
    def call(self, name: str, *args, **named):
        """Runs a keyword; returns its result, fails with its error."""
        return Call(self.get_server_url(), name, args, named).finish(240)

    @keyword
    def begin(self, name: str, *args, **named):
        """Starts a call and returns at once; Finish Call of SideBySide waits for its end."""
        return Call(self.get_server_url(), name, args, named)

    @keyword
    def finish(self, call, timeout: float = 30):
        return call.finish(timeout)
