"""A testpmd on this machine as vswitch, traffic source and counter, for suites.

It is DPDK's own program on vhost-user sockets, without huge pages, driven at its prompt. What it
counts does not come from the server under test.
"""
import os
import pty
import re
import subprocess
import threading
import time

from robot.api import logger
from robot.api.deco import keyword, library

# At the beginning of a line. Behind it may stand what another thread of testpmd logs: a guest that
# connected, a link that changed.
PROMPT = re.compile(rb"(?:^|\n)testpmd> ")
# Of what a testpmd printed.
HISTORY_MAX = 1 << 20
COUNTERS = {"RX-packets": "rx_packets", "TX-packets": "tx_packets",
            "RX-bytes": "rx_bytes", "TX-bytes": "tx_bytes",
            "RX-missed": "rx_missed", "RX-errors": "rx_errors", "TX-errors": "tx_errors"}


class Testpmd:
    """One testpmd on a terminal. A thread reads it all the time: were the terminal full, testpmd
    would block in the middle of a vhost-user message, and QEMU with it."""

    def __init__(self, name, command):
        self.name = name
        self.text = b""
        self.history = b""
        self.ended = False
        self.changed = threading.Condition()
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave,
                                        start_new_session=True, close_fds=True)
        os.close(slave)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            try:
                piece = os.read(self.master, 65536)
            except OSError:
                piece = b""
            ended = not piece
            piece = re.sub(rb"\x1b\[[0-9;]*[A-Za-z]|\r", b"", piece)
            with self.changed:
                self.text += piece
                self.history = (self.history + piece)[-HISTORY_MAX:]
                self.ended = ended
                self.changed.notify_all()
            if ended:
                return

    def read_to_prompt(self, timeout):
        with self.changed:
            self.changed.wait_for(lambda: self.ended or PROMPT.search(self.text), timeout)
            before = PROMPT.search(self.text)
            text, self.text = self.text, b""
        if before:
            text = text[:before.start() + 1]
        text = text.decode(errors="replace")
        if self.ended:
            raise AssertionError(f"host testpmd '{self.name}' ended:\n{text}")
        if not before:
            raise AssertionError(f"host testpmd '{self.name}': no prompt after {timeout} s:\n{text}")
        return text

    def read_until(self, text, timeout):
        with self.changed:
            self.changed.wait_for(lambda: self.ended or text in self.history, timeout)
            tail = self.history[-4000:].decode(errors="replace")
            if text not in self.history:
                raise AssertionError(f"host testpmd '{self.name}': no '{text.decode()}' after "
                                     f"{timeout} s:\n{tail}")

    def command(self, line, timeout):
        with self.changed:
            self.text = b""
        os.write(self.master, line.encode() + b"\n")
        return self.read_to_prompt(timeout).partition("\n")[2]

    def end(self, polite):
        try:
            if polite:
                os.write(self.master, b"quit\n")
                self.process.wait(timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            pass
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)


@library(scope="SUITE", auto_keywords=False)
class HostTestpmd:
    def __init__(self):
        self._running = {}

    @keyword
    def start_host_testpmd(self, *sockets: str, name: str = "vswitch", forward_mode: str = "io",
                           queues: int = 1, client: bool = True, extra_args: list = ()):
        """Starts testpmd with one vhost port for each socket; returns at its prompt.

        With ``client`` the VM's QEMU listens and testpmd connects, and connects again.
        """
        # Its threads are to be quiet: what they log stands in the middle of a prompt or an answer.
        command = ["dpdk-testpmd", "--no-huge", "-m", "512", "--no-pci", "--no-telemetry",
                   "--log-level=lib.vhost.*:error",
                   f"--file-prefix=vhostel-{os.getpid()}-{name}", "--lcores", "0@0,1@1"]
        for index, socket in enumerate(sockets):
            command.append(f"--vdev=net_vhost{index},iface={socket},queues={queues},"
                           f"client={int(client)}")
        command += ["--", "--interactive", f"--forward-mode={forward_mode}", f"--rxq={queues}",
                    f"--txq={queues}", "--total-num-mbufs=16384", "--no-flush-rx", "--mask-event=all",
                    *extra_args]
        logger.debug(" ".join(command))
        self._running[name] = Testpmd(name, command)
        try:
            logger.debug(self._running[name].read_to_prompt(30))
        except Exception:
            self.stop_host_testpmd(name)
            raise

    @keyword
    def host_testpmd_command(self, command: str, name: str = "vswitch", timeout: float = 10):
        """Runs one command at the prompt and returns the answer."""
        return self._running[name].command(command, timeout)

    @keyword
    def send_to_host_testpmd(self, command: str, name: str = "vswitch"):
        """Types one command without waiting for the prompt: beside packets that it prints there
        is none."""
        os.write(self._running[name].master, command.encode() + b"\n")

    @keyword
    def get_host_testpmd_stats(self, name: str = "vswitch"):
        """Returns a list with one dictionary of counters for each port."""
        answer = self.host_testpmd_command("show port stats all", name)
        ports = []
        for block in answer.split("NIC statistics for port ")[1:]:
            ports.append({field: int(re.search(rf"{label}:\s*(\d+)", block).group(1))
                          for label, field in COUNTERS.items()})
        return ports

    @keyword
    def wait_for_host_testpmd_packets(self, count: int, port: int = 0, counter: str = "rx_packets",
                                      name: str = "vswitch", timeout: float = 20):
        """Waits until a counter of a port reaches ``count``; testpmd has no event for it."""
        deadline = time.monotonic() + timeout
        while True:
            stats = self.get_host_testpmd_stats(name)
            if stats[port][counter] >= count:
                return stats
            if time.monotonic() > deadline:
                raise AssertionError(f"host testpmd '{name}': port {port}: {counter} is "
                                     f"{stats[port][counter]} after {timeout} s, expected {count}")
            time.sleep(0.05)

    @keyword
    def wait_for_host_testpmd_text(self, text: str, name: str = "vswitch", timeout: float = 20):
        """Waits until it printed a text, at its prompt or beside it."""
        self._running[name].read_until(text.encode(), timeout)

    @keyword
    def kill_host_testpmd(self, name: str = "vswitch"):
        """Ends it at once, as a crash would."""
        self._running.pop(name).end(polite=False)

    @keyword
    def stop_host_testpmd(self, name: str = "vswitch"):
        """Ends it; passes when there is none."""
        if name in self._running:
            self._running.pop(name).end(polite=True)
