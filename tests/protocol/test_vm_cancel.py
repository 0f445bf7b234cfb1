"""A hang-up ends every kind of wait for a real VM, by the real server."""
import os
import signal
import statistics
import time
import unittest
import xmlrpc.client

from harness import median_ms, post, wait_for
from test_vm import MEMORY_MIB, RealVms

AT_MOST_MS = 100
TIMES = 3
LONG = "10 min"


class HangUp(RealVms):
    """One VM that runs, with its guest agent; each wait would take ten minutes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.start_server(cls, cls.addClassCleanup)
        with cls.server.proxy() as proxy:
            answer = proxy.run_keyword("Start Kernel VM", ["nf1"], {"memory": MEMORY_MIB})
        if answer["status"] != "PASS":
            raise AssertionError(answer["error"])
        cls.info = answer["return"]

    def call(self, name, /, *arguments, **named):
        """A call on a connection of its own, which has begun when this returns."""
        body = xmlrpc.client.dumps((name, list(arguments), named), "run_keyword")
        sock = self.server.connect()
        self.addCleanup(sock.close)
        sock.sendall(post(body.encode()))
        self.server.wait_until_read(sock)
        return sock

    def cancelled(self, name):
        return self.server.log().count(f"{name}: cancelled after ")

    def cancel_ms(self, waiting, name, *arguments, **named):
        """From the hang-up of a call that waits to the server's word that it was cancelled."""
        before = self.cancelled(name)
        sock = self.call(name, *arguments, **named)
        wait_for(waiting, f"{name} waits")
        began = time.monotonic()
        sock.close()
        wait_for(lambda: self.cancelled(name) > before, f"{name} is cancelled")
        return (time.monotonic() - began) * 1000

    def check(self, name, *arguments, waiting=None, at_most_ms=AT_MOST_MS, **named):
        # What shows nowhere else has come to its wait when later calls were answered.
        waiting = waiting or (lambda: [self.returned("List VMs") for _ in range(3)])
        took = [self.cancel_ms(waiting, name, *arguments, **named) for _ in range(TIMES)]
        self.assertLess(statistics.median(took), at_most_ms, took)

    def socket(self, name):
        return self.path / name

    def remove(self, vm):
        self.addCleanup(self.returned, "Kill VM", vm)

    def test_for_a_consoles_text(self):
        self.check("Expect On VM Console", "nf1", "never", LONG)

    def test_for_a_vms_end(self):
        self.check("Wait Until VM Stops", "nf1", LONG)

    def test_for_a_program_in_the_guest(self):
        """It is killed in there by another program, which takes the guest some time to start."""
        other_ms = median_ms(lambda: self.returned("Execute In VM", "nf1", "true", via="agent"), 5)
        self.check("Execute In VM", "nf1", "sleep", "600", via="agent", timeout=LONG,
                   at_most_ms=AT_MOST_MS + other_ms)

    def test_for_a_program_on_the_node(self):
        def children():
            return [pid for task in os.listdir(f"/proc/{self.server.process.pid}/task")
                    for pid in open(f"/proc/{self.server.process.pid}/task/{task}/children",
                                    encoding="ascii").read().split()]

        before = len(children())
        self.check("Execute On Node", "DUT1", "sleep", "600", timeout=LONG,
                   waiting=lambda: len(children()) > before)

    def test_for_a_vswitch_in_a_start(self):
        path = self.socket("start")
        self.returned("Configure Vhost Interfaces", "nf2", str(path))
        self.remove("nf2")
        self.check("Start Kernel VM", "nf2", memory=MEMORY_MIB, timeout=LONG, waiting=path.exists)
        self.assertEqual(self.returned("Get VM State", "nf2"), "defined")
        self.assertFalse(path.exists())

    def test_for_a_vswitch_in_a_hot_plug(self):
        path = self.socket("plug")
        self.check("Configure Vhost Interfaces", "nf1", str(path), waiting=path.exists)
        self.assertEqual(self.returned("Get VM Info", "nf1")["interfaces"], {})

    def test_for_a_vswitch(self):
        """An interface that was connected, and whose vswitch has gone."""
        chain = {"chains": 1, "nodes_per_chain": 1, "name": "nf"}
        self.returned("Start Vswitch", **chain)
        self.addCleanup(self.returned, "Stop NF Chains", "nf")
        vms = self.returned("Start NF Chains", vnf="none", memory=MEMORY_MIB, paused=True, **chain)
        self.returned("Stop Vswitch", name="nf")
        self.check("Wait Until Vhost Connected", vms[0]["name"], timeout=LONG)

    def test_for_another_operation_on_the_vm(self):
        path = self.socket("first")
        first = self.call("Configure Vhost Interfaces", "nf1", str(path))
        wait_for(path.exists, "the first operation waits inside")
        self.check("Configure Vhost Interfaces", "nf1", str(self.socket("second")))
        before = self.cancelled("Configure Vhost Interfaces")
        first.close()
        wait_for(lambda: self.cancelled("Configure Vhost Interfaces") > before, "the first ends")

    def test_for_an_answer_of_qemu(self):
        os.kill(self.info["pid"], signal.SIGSTOP)
        self.addCleanup(os.kill, self.info["pid"], signal.SIGCONT)
        self.check("Qmp Command", "nf1", "query-status")

    def test_for_a_guest_that_powers_off(self):
        took = []
        asked = lambda: self.server.log().count("event POWERDOWN") > len(took)
        for _ in range(TIMES):
            self.returned("Start Kernel VM", "nf4", memory=MEMORY_MIB, paused=True)
            took.append(self.cancel_ms(asked, "Stop VM", "nf4", LONG))
            self.returned("Kill VM", "nf4")
        self.assertLess(statistics.median(took), AT_MOST_MS, took)


if __name__ == "__main__":
    unittest.main()
