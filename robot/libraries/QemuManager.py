"""CSIT's names for chains of VMs, on top of `Start NF Chains`; robot/csit.resource imports it.

As in CSIT the VMs are constructed first and started together. They are one set of chains a node,
whose name begins with ``name`` of the construction, so that two suites can run side by side.
"""
from robot.api.deco import keyword, library

from QemuUtils import node_name, run, vnf_arguments

DEFAULT_QUEUE_SIZE = 1024


def is_true(value):
    return str(value).lower() not in ("false", "none", "no", "off", "0", "")


def number(value, default):
    """CSIT's suites leave some numbers unset, as an empty text or None."""
    return default if value in (None, "", "None") else value


class Machines:
    """The VMs of one node as they will be started."""

    def __init__(self, options):
        auto_scale = is_true(options.get("auto_scale", True))
        vs_dtc = number(options.get("vs_dtc"), 1)
        fixed = is_true(options.get("fixed_auto_scale", False))
        nf_dtc = number(options.get("nf_dtc"), 1)
        self.node = node_name(options["node"])
        self.name = f"{options.get('name', 'csit')}_{self.node}"
        self.use_tuned_cfs = is_true(options.get("use_tuned_cfs", False))
        self.check(options)
        self.arguments = {
            "chains": options["nf_chains"], "nodes_per_chain": options["nf_nodes"],
            "node": self.node, "name": self.name,
            **vnf_arguments(options.get("vnf", "vpp")),
            "queues": number(options.get("rxq_count_int"), 1) if auto_scale else 1,
            "vs_dtc": vs_dtc,
            "nf_dtc": vs_dtc if auto_scale and not fixed else nf_dtc,
            "nf_dtcr": number(options.get("nf_dtcr"), 2),
            "jumbo": is_true(options.get("jumbo", False)),
            "page_size": options.get("page_size") or None,
            "socket_dir": options.get("socket_dir", "/run/vpp"),
            "memory": options.get("memory"), "cpus_per_nf": options.get("cpus_per_nf"),
        }

    @staticmethod
    def check(options):
        """What chains do not have is refused: a measurement of something else would mislead."""
        size = int(options.get("perf_qemu_qsz") or DEFAULT_QUEUE_SIZE)
        if size != DEFAULT_QUEUE_SIZE:
            raise AssertionError(f"argument 'perf_qemu_qsz': chains have queues of "
                                 f"{DEFAULT_QUEUE_SIZE} descriptors, got {size}; for others use "
                                 f"Configure Vhost Interfaces and Start Kernel VM")
        if int(options.get("virtio_feature_mask") or 0):
            raise AssertionError("argument 'virtio_feature_mask': interfaces of chains have no "
                                 "offloads; for others use Configure Vhost Interfaces and Start "
                                 "Kernel VM")


@library(scope="TEST", auto_keywords=False)
class QemuManager:
    def __init__(self, nodes: dict | None = None):
        """``nodes``: CSIT's topology, to which started VMs are added; may be left out."""
        self._nodes = {} if nodes is None else nodes
        self._machines = []

    @keyword
    def initialize(self):
        """Forgets what was constructed."""
        self._machines = []

    @keyword
    def construct_vms_on_node(self, **options):
        """Takes ``node``, ``nf_chains``, ``nf_nodes``, ``vnf`` and the other names of CSIT."""
        self._machines.append(Machines(options))

    @keyword
    def construct_vms_on_all_nodes(self, **options):
        """The same VMs on every node of the server's topology."""
        self.initialize()
        for node in run("List Nodes"):
            self.construct_vms_on_node(**{**options, "node": node})

    @keyword
    def start_all_vms(self, pinning: bool = False):
        """Starts them, those of a node in parallel; returns the host CPUs as ``2,3,4``.

        With ``pinning`` every VM gets CPUs of its own or the start fails.
        """
        cpus = []
        for machines in self._machines:
            infos = run("Start NF Chains", **machines.arguments,
                        pinning="required" if pinning else "none")
            for info in infos:
                self._nodes[info["name"]] = info
                cpus += info["host_cpus"]
                if machines.use_tuned_cfs:
                    run("Set VM Scheduler Policy", info["name"], policy="rr", priority=1)
        return ",".join(map(str, cpus))

    @keyword
    def kill_all_vms(self, force: bool = False):
        """Kills the VMs of this manager; with ``force`` every QEMU process on the nodes."""
        for machines in self._machines:
            for vm in run("Stop NF Chains", machines.name):
                self._nodes.pop(vm, None)
        if force:
            run("Qemu Kill All", force=True)

    @keyword
    def get_vm_nodes(self):
        """The infos of the VMs that were started, by name."""
        return {name: info for name, info in self._nodes.items()
                if isinstance(info, dict) and info.get("type") == "VM"}
