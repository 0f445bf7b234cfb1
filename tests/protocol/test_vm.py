"""Quick calls beside calls that wait for a real VM, by the real server."""
import pathlib
import tempfile
import threading
import unittest

import harness
from harness import DEADLINE, Server, median_ms, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
KIT = ROOT / "build/kernel-vm"
CONSTANTS = (f"kernel_vm:\n  kernel: {KIT}/vmlinux\n  initrd: {KIT}/initramfs.cpio\n"
             f"  template_dir: {ROOT}/config/templates\n")
WAITERS = 8
MEMORY_MIB = 256
AT_MOST_MS = 20


class Caller(threading.Thread):
    """Calls that wait, on a connection of their own."""

    def __init__(self, server, *calls):
        super().__init__()
        self.server = server
        self.calls = calls
        self.answer = None

    def run(self):
        with self.server.proxy() as proxy:
            for name, arguments, named in self.calls:
                self.answer = proxy.run_keyword(name, arguments, named)


class RealVms(unittest.TestCase):
    """The real server, with a run directory of its own, and the kernel VM kit."""

    @classmethod
    def setUpClass(cls):
        if not harness.VHOSTELD_BINARY:
            raise unittest.SkipTest("no --vhosteld")
        if not (KIT / "vmlinux").exists():
            raise unittest.SkipTest("no kernel VM kit: make kits")

    def start_server(self, add_cleanup):
        """Until the scope whose addCleanup() that is ends."""
        directory = tempfile.TemporaryDirectory(prefix="vh-", dir="/tmp")
        add_cleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name)
        self.server = Server(CONSTANTS, ["--run-dir", self.path / "run"], harness.VHOSTELD_BINARY)
        add_cleanup(self.server.__exit__)
        self.server.__enter__()

    def returned(self, name, /, *arguments, **named):
        with self.server.proxy() as proxy:
            answer = proxy.run_keyword(name, list(arguments), named)
        self.assertEqual(answer["status"], "PASS", answer["error"])
        return answer["return"]


class QuickCalls(RealVms):
    """The VMs are paused or have not begun, so that none takes the CPU."""

    def setUp(self):
        self.start_server(self.addCleanup)

    def median_beside(self, callers, waiting):
        """The median of 20 quick calls while all @callers wait; then the VMs are killed."""
        for caller in callers:
            caller.start()
        wait_for(waiting, "8 calls wait")
        took = median_ms(lambda: self.returned("List VMs"))
        still = [caller.is_alive() for caller in callers]
        self.returned("Qemu Kill All")
        for caller in callers:
            caller.join(DEADLINE)
        self.assertTrue(all(still), [caller.answer for caller in callers])
        return took

    def median_beside_8(self, name, *arguments):
        """Beside 8 that wait for one VM."""
        self.returned("Start Kernel VM", "nf1", memory=MEMORY_MIB, paused=True)
        threads = self.server.status_kib("Threads")
        callers = [Caller(self.server, (name, ["nf1", *arguments], {})) for _ in range(WAITERS)]
        return self.median_beside(
            callers, lambda: self.server.status_kib("Threads") >= threads + WAITERS - 1)

    def test_beside_8_that_wait_for_a_vms_end(self):
        self.assertLess(self.median_beside_8("Wait Until VM Stops", "10 min"), AT_MOST_MS)

    def test_beside_8_that_wait_for_a_consoles_text(self):
        self.assertLess(self.median_beside_8("Expect On VM Console", "never", "10 min"), AT_MOST_MS)

    def test_beside_8_starts_that_wait_for_a_vswitch(self):
        sockets = [self.path / f"vhost{number}" for number in range(WAITERS)]
        start = {"memory": MEMORY_MIB, "paused": True, "timeout": "10 min"}
        callers = [Caller(self.server,
                          ("Configure Vhost Interfaces", [path.name, str(path)], {}),
                          ("Start Kernel VM", [path.name], start)) for path in sockets]
        # Each QEMU listens, and nobody connects.
        took = self.median_beside(callers, lambda: all(path.exists() for path in sockets))
        self.assertLess(took, AT_MOST_MS)


if __name__ == "__main__":
    unittest.main()
