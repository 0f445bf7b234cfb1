"""An Open vSwitch with DPDK that belongs to somebody else: it runs before the server uses it."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from robot.api.deco import keyword, library

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
DAEMON = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
START_SECONDS = 20


@library(scope="SUITE", auto_keywords=False)
class RunningOvs:
    def __init__(self):
        self.directory = None
        self.processes = []

    def _run(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(f"{command}: {done.stderr}")
        return done.stdout

    def _vsctl(self, *words):
        return self._run("ovs-vsctl", f"--db=unix:{self.directory}/db.sock",
                         f"--timeout={START_SECONDS}", *words)

    def _start(self, *command):
        self.processes.append(subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(self.directory / "log", "ab"),
            env=dict(os.environ, OVS_RUNDIR=str(self.directory), OVS_LOGDIR=str(self.directory))))

    def _await(self, path):
        deadline = time.monotonic() + START_SECONDS
        while not path.exists():
            if time.monotonic() > deadline or self.processes[-1].poll() is not None:
                raise AssertionError(f"no {path}:\n{(self.directory / 'log').read_text()}")
            time.sleep(0.01)

    @keyword
    def start_open_vswitch(self, dpdk: bool = True):
        """Starts it with a bridge of its own; returns the directory of its sockets."""
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="vh-ovs-", dir="/tmp"))
        database = self.directory / "conf.db"
        self._run("ovsdb-tool", "create", database, SCHEMA)
        self._start("ovsdb-server", database, f"--remote=punix:{self.directory}/db.sock",
                    f"--unixctl={self.directory}/ovsdb.ctl")
        self._await(self.directory / "db.sock")
        self._vsctl("--no-wait", "init")
        if dpdk:
            self._vsctl("--no-wait", "set", "Open_vSwitch", ".", "other_config:dpdk-init=true",
                        "other_config:dpdk-extra=--no-pci", "other_config:dpdk-socket-mem=256")
        self._start(DAEMON, f"unix:{self.directory}/db.sock",
                    f"--unixctl={self.directory}/vswitchd.ctl")
        self._vsctl("add-br", "others", "--", "set", "Bridge", "others", "datapath_type=netdev")
        return str(self.directory)

    @keyword
    def stop_open_vswitch(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()
        self.processes = []
        if self.directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    @keyword
    def kill_ovs_vswitchd(self):
        self.processes[-1].kill()
        self.processes[-1].wait()

    @keyword
    def open_vswitch_should_run(self):
        for process in self.processes:
            if process.poll() is not None:
                raise AssertionError(f"{process.args[0]} ended with {process.returncode}")

    @keyword
    def get_bridges(self):
        return sorted(self._vsctl("list-br").split())

    @keyword
    def get_ports(self, bridge):
        return sorted(self._vsctl("list-ports", bridge).split())

    @keyword
    def add_bridge(self, name):
        self._vsctl("add-br", name, "--", "set", "Bridge", name, "datapath_type=netdev")

    @keyword
    def get_flows(self, bridge):
        """Returns the actions of the bridge's flows."""
        text = self._run("ovs-ofctl", "--no-names", "dump-flows",
                         f"unix:{self.directory}/{bridge}.mgmt")
        return sorted(line.split(" actions=")[1] for line in text.splitlines() if "actions=" in line)
