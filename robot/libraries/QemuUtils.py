"""CSIT's names for one VM, on top of the server's keywords; robot/csit.resource imports it.

As in CSIT a VM is described first, by arguments of the import and by keywords, and starts with
`Qemu Start`. Further VMs are further imports: ``Library  QemuUtils.py  qemu_id=2  AS  vm2``. What
CSIT's library asked of the caller and the server decides by itself is checked or said, and never
silently dropped.
"""
import os

from robot.api import logger
from robot.api.deco import keyword, library
from robot.libraries.BuiltIn import BuiltIn

SSH_PORT_BASE = 10021
SERIAL_PORT_BASE = 4555


def run(keyword_name, /, *positional, **named):
    """Runs a keyword; arguments that are None are left to its defaults."""
    arguments = [f"{key}={value}" for key, value in named.items() if value is not None]
    return BuiltIn().run_keyword(keyword_name, *map(str, positional), *arguments)


def node_name(node):
    """The name of a node, which CSIT's suites give as a dictionary of the topology file."""
    if not isinstance(node, dict):
        return str(node)
    if "name" in node:
        return node["name"]
    for name in run("List Nodes"):
        if run("Get Node Info", name)["host"] == node.get("host"):
            return name
    raise AssertionError(f"no node of the server's topology file has host '{node.get('host')}'")


# CSIT's names of VPP as a network function, and the server's templates (vpp-NAME.exec).
VPP_TEMPLATES = {"vpp": "ip4", "vpp_chain_ip4_noarp": "ip4", "vpp_chain_l2xc": "l2xc"}


def vnf_arguments(vnf):
    """What Start Kernel VM and Start NF Chains take for one of CSIT's network functions."""
    if not vnf.startswith("vpp"):
        return {"vnf": vnf}
    return {"vnf": "vpp", "template": VPP_TEMPLATES.get(vnf, vnf)}


def is_kernel(image):
    return image == "kernel" or os.path.basename(image).startswith(("vmlinuz", "vmlinux", "Image"))


@library(scope="TEST", auto_keywords=False)
class QemuUtils:
    def __init__(self, node="DUT1", qemu_id: int = 1, smp: int = 1, mem: int = 512,
                 vnf: str = "none", img: str = "default", page_size: str = "auto"):
        """``img``: ``kernel`` or the path of a kernel for a kernel VM; else a disk image.

        With a network function in ``vnf`` the VM is a kernel VM. CSIT's functions named ``vpp_...``
        are VPP with the template of that name.
        """
        self._node = node
        self._qemu_id = qemu_id
        self._smp = smp
        self._mem = mem
        self._vnf = vnf or "none"
        self._img = img
        self._page_size = page_size or "auto"
        self._threads = 1
        self._queues = 1
        self._queue_size = None

    @property
    def _vm(self):
        return f"{node_name(self._node)}_{self._qemu_id}"

    @keyword
    def qemu_set_node(self, node):
        """The node's name, or CSIT's dictionary of it."""
        self._node = node

    @keyword
    def qemu_set_smp(self, smp: int, cores: int = 0, threads: int = 1, sockets: int = 1):
        """Number of vCPUs; one socket, whose cores have ``threads`` each."""
        if sockets != 1:
            raise AssertionError(f"Qemu Set Smp: the server shows a guest one socket, got {sockets}")
        if cores and cores * threads != smp:
            raise AssertionError(f"Qemu Set Smp: {cores} cores of {threads} thread(s) are not "
                                 f"{smp} vCPUs")
        self._smp = smp
        self._threads = threads

    @keyword
    def qemu_set_mem_size(self, mem_size: int):
        """MiB."""
        self._mem = mem_size

    @keyword
    def qemu_set_disk_image(self, disk_image: str):
        """``default``, or the path of a disk image."""
        self._img = disk_image

    @keyword
    def qemu_set_queue_count(self, count: int):
        """Queue pairs of the interfaces that are added from now on."""
        self._queues = count

    @keyword
    def qemu_set_queue_size(self, size: int):
        """Descriptors of a queue of the interfaces that are added from now on."""
        self._queue_size = size

    @keyword
    def qemu_set_ssh_fwd_port(self, fwd_port: int):
        """Passes when it is the port that follows from the VM's number."""
        self._check_port("Qemu Set Ssh Fwd Port", fwd_port, SSH_PORT_BASE)

    @keyword
    def qemu_set_serial_port(self, port: int):
        """Passes when it is the port that follows from the VM's number."""
        self._check_port("Qemu Set Serial Port", port, SERIAL_PORT_BASE)

    def _check_port(self, name, port, base):
        if port != base + self._qemu_id:
            raise AssertionError(f"{name}: port {base + self._qemu_id} follows from qemu_id "
                                 f"{self._qemu_id}, got {port}")

    @keyword
    def qemu_set_path(self, path: str):
        """The server finds QEMU by its constant."""
        self._leave("Qemu Set Path", path, "constant qemu.binary")

    @keyword
    def qemu_set_huge_mnt(self, huge_mnt: str):
        """The server finds huge pages by itself."""
        self._leave("Qemu Set Huge Mnt", huge_mnt, "argument page_size")

    @keyword
    def qemu_set_huge_allocate(self):
        """The server uses huge pages that are there, and memory without them otherwise."""
        self._leave("Qemu Set Huge Allocate", "", "argument page_size and Check Hugepages")

    @staticmethod
    def _leave(name, value, instead):
        logger.warn(f"{name} {value}: has no effect, see {instead}")

    @keyword
    def qemu_add_vhost_user_if(self, socket: str, server: bool = True, jumbo_frames: bool = False,
                               queue_size: int | None = None, queues: int | None = None,
                               virtio_feature_mask: int | None = None, mac: str | None = None):
        """The next interface: vhost1, vhost2, ... at PCI slots 6, 7, ...; returns all of them."""
        return run("Configure Vhost Interfaces", self._vm, socket, node=node_name(self._node),
                   server=server, jumbo=jumbo_frames, queue_size=queue_size or self._queue_size,
                   queues=queues or self._queues, feature_mask=virtio_feature_mask, mac=mac)

    @keyword
    def add_vhost_user_if(self, *arguments, **named):
        """Newer name of `Qemu Add Vhost User If`."""
        return self.qemu_add_vhost_user_if(*arguments, **named)

    @keyword
    def add_vfio_pci_if(self, pci: str):
        """The next interface is a PCI device of the node."""
        return run("Add PCI Passthrough Interface", self._vm, pci)

    @keyword
    def qemu_start(self):
        """Starts the VM; returns its info once the guest is ready."""
        common = {"node": node_name(self._node), "cpus": self._smp, "memory": self._mem,
                  "page_size": self._page_size, "qemu_id": self._qemu_id,
                  "cores": [vcpu // self._threads for vcpu in range(self._smp)]}
        if self._vnf == "none" and not is_kernel(self._img):
            return run("Start Image VM", self._vm, image=self._img, **common)
        if self._vnf.startswith("testpmd"):
            common["queues"] = self._queues
        return run("Start Kernel VM", self._vm, **vnf_arguments(self._vnf), **common)

    @keyword
    def qemu_set_affinity(self, *host_cpus: int):
        """Pins vCPU i to the i-th CPU."""
        run("Set VM CPU Affinity", self._vm, *host_cpus)

    @keyword
    def qemu_set_scheduler_policy(self):
        """Round robin with priority 1 for every vCPU."""
        run("Set VM Scheduler Policy", self._vm, policy="rr", priority=1)

    @keyword
    def qemu_system_status(self):
        """The state of the VM, such as ``running``."""
        return run("Get VM State", self._vm)

    @keyword
    def qemu_system_powerdown(self):
        """Powers the guest off."""
        run("Stop VM", self._vm)

    @keyword
    def qemu_quit(self):
        """Ends the VM."""
        run("Stop VM", self._vm)

    @keyword
    def qemu_system_reset(self):
        """Presses the VM's reset button."""
        run("Reset VM", self._vm)

    @keyword
    def qemu_kill(self):
        """Kills the VM; its files and sockets go with it."""
        run("Kill VM", self._vm)

    @keyword
    def qemu_clear_socks(self):
        """Passes: no end of a VM leaves a socket."""

    @keyword
    def qemu_version(self):
        """Such as ``7.2.22``."""
        return run("Get Qemu Version", node_name(self._node))
