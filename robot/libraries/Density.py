"""An NF density matrix: one test a cell, one row of results a test, all of them in density.json.

How it works: how many cells there are is known when the suite runs, so its tests are made in the
suite's set-up, when the listener half of this library has the suite in its hands. What the cells
measure is kept here until `Write Density`; the tables and plots are made from that file alone.
"""
import json
import os
import re
import time

from robot.api import logger
from robot.api.deco import keyword, library
from robot.libraries.BuiltIn import BuiltIn
from robot.model import TagPatterns

# CSIT's tags; what is not among them becomes NF_ and the function's name.
FUNCTION_TAGS = {"testpmd": "NF_TESTPMD", "testpmd_io": "NF_TESTPMD", "testpmd_mac": "NF_TESTPMD",
                 "vpp": "NF_VPPIP4", "l3fwd": "NF_L3FWDIP4"}
TOPOLOGY_TAGS = {"chain": "CHAIN", "pipeline": "PIPE"}
# Frames up to this size need no jumbo frames.
STANDARD_FRAME = 1518


def utc():
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())


@library(scope="SUITE", auto_keywords=False)
class Density:
    ROBOT_LISTENER_API_VERSION = 3

    def __init__(self):
        self.ROBOT_LIBRARY_LISTENER = self
        self._suite = None
        self._row = None
        self._density = {}

    def start_suite(self, data, _result):
        self._suite = data

    @keyword
    def make_density_tests(self, max_chains: int, max_nodes: int, frame_sizes: list[int],
                           topology: str = "chain", vnf: str = "testpmd_mac",
                           vswitch: str = "testpmd", rate: str = "max", duration: float = 5):
        """Adds a test for each cell, from 1R1C (1 chain of 1 function) to the largest.

        Robot chooses tests before it runs any, so ``--include`` and ``--exclude`` are applied here.
        """
        self._density = {
            "started": utc(), "settings": {
                "max_chains": max_chains, "max_nodes": max_nodes, "topology": topology,
                "vnf": vnf, "vswitch": vswitch, "frame_sizes": frame_sizes, "rate": rate,
                "duration": duration}, "rows": []}
        options = BuiltIn().get_variable_value("${OPTIONS}")
        include, exclude = TagPatterns(options.include), TagPatterns(options.exclude)
        for chains in range(1, max_chains + 1):
            for nodes in range(1, max_nodes + 1):
                tags = self._tags(chains, nodes)
                if not exclude.match(tags) and (not include or include.match(tags)):
                    self._make_test(chains, nodes, tags)

    def _tags(self, chains, nodes):
        settings = self._density["settings"]
        vnf = settings["vnf"]
        return ["NF_DENSITY", "PERFTEST", "VM_ENV", "VHOST", "VHOST_1024", "VM", "ETH",
                TOPOLOGY_TAGS[settings["topology"]],
                FUNCTION_TAGS.get(vnf, f"NF_{vnf.upper()}"), f"{chains}R{nodes}C",
                # Not MRR: frames are offered as they come back, not as fast as a line could.
                "CLOSED_LOOP" if settings["rate"] == "max" else "RATE",
                *(f"{size}B" for size in settings["frame_sizes"])]

    def _make_test(self, chains, nodes, tags):
        settings = self._density["settings"]
        function = settings["vnf"].partition("_")[0]
        sizes = "-".join(f"{size}B" for size in settings["frame_sizes"])
        test = self._suite.tests.create(
            f"{sizes}-eth-{chains}ch-{2 * chains * nodes}vh-{chains * nodes}vm-{function}",
            tags=tags)
        test.body.create_keyword("Measure Cell", args=[str(chains), str(nodes)])
        test.teardown.config(name="End Cell")

    @keyword
    def begin_row(self, chains: int, nodes: int):
        """Begins the row of a cell; until it has passed, it has failed."""
        self._row = {"chains": chains, "nodes": nodes, "vms": chains * nodes, "vcpus": 0,
                     "status": "FAIL", "error": "", "start": {}, "throughput": [],
                     "memory": {"configured": 0}}
        self._density["rows"].append(self._row)

    @keyword
    def timed(self, what: str, keyword_name: str, /, *arguments):
        """Runs a keyword, notes its duration as the row's start time of ``what``."""
        began = time.monotonic()
        result = BuiltIn().run_keyword(keyword_name, *arguments)
        self._row["start"][what] = round(time.monotonic() - began, 3)
        return result

    @keyword
    def record_vm(self, info: dict, proc_status: str):
        """Notes start times, vCPUs and memory of a VM from its info and /proc/<pid>/status."""
        resident = re.search(r"VmRSS:\s*(\d+) kB", proc_status)
        if not resident:
            raise AssertionError(f"VM '{info['name']}': no VmRSS in:\n{proc_status}")
        mib = round(int(resident[1]) / 1024, 1)
        memory = self._row["memory"]
        memory.setdefault("vms", []).append({"name": info["name"], "resident": mib})
        memory["resident"] = round(memory.get("resident", 0) + mib, 1)
        memory["configured"] += info["memory"]
        self._row["vcpus"] += info["cpus"]
        self._row["start"].setdefault("vms", []).append(
            {"name": info["name"], **info["boot_time"]})

    @keyword
    def record_throughput(self, result: dict, max_loss: float):
        """Notes a measurement; fails when nothing came through, or with more loss than allowed."""
        self._row["throughput"].append(result)
        logger.info(f"{result['frame_size']} B: {result['pps']:.0f} frames/s, "
                    f"loss {result['loss_ratio']:.4%}", also_console=True)
        for chain in result["per_chain"]:
            if not chain["rx_packets"]:
                raise AssertionError(f"chain {chain['chain']}: nothing came through")
        if result["loss_ratio"] > max_loss:
            raise AssertionError(
                f"{result['frame_size']} B: {result['tx_packets'] - result['rx_packets']} of "
                f"{result['tx_packets']} frames lost ({result['loss_ratio']:.4%}), "
                f"allowed {max_loss:.4%}")

    @keyword
    def end_row(self, status: str, message: str):
        """Notes how the test of the row ended; a test that was never begun has none."""
        if self._row:
            self._row.update(status=status, error=message)
        self._row = None

    @keyword
    def needs_jumbo(self, frame_sizes: list[int]):
        """Whether one of the frames is larger than a standard one."""
        return max(frame_sizes) > STANDARD_FRAME

    @keyword
    def write_density(self, path: str, node: dict, qemu: str):
        """Writes the file; an older one is replaced at once."""
        self._density["finished"] = utc()
        self._density["machine"] = {
            "cpus": len(node["cpus"]), "memory": node["memory"], "kvm": node["kvm"],
            "kernel": node["kernel"], "arch": node["arch"], "qemu": qemu}
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(self._density, file, indent=1)
            file.write("\n")
        os.replace(path + ".new", path)
        logger.info(f"Density: {path}", also_console=True)
