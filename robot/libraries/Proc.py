"""Processes of this machine, as /proc shows them, for suites."""
import os
import select
import signal
import stat

from robot.api.deco import keyword, library

POLICIES = {os.SCHED_OTHER: "other", os.SCHED_BATCH: "batch", os.SCHED_IDLE: "idle",
            os.SCHED_FIFO: "fifo", os.SCHED_RR: "rr"}


def status_of(path):
    with open(f"{path}/status", encoding="ascii", errors="replace") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


@library(scope="GLOBAL", auto_keywords=False)
class Proc:
    @keyword
    def get_vcpu_affinity(self, pid: int):
        """The list of CPUs of each vCPU thread of a QEMU, in the order of the vCPUs."""
        return [status_of(f"/proc/{pid}/task/{task}")["Cpus_allowed_list"].strip()
                for task in self._vcpus(pid)]

    @keyword
    def get_vcpu_scheduling(self, pid: int):
        """The policy and priority of each vCPU thread of a QEMU, in the order of the vCPUs."""
        return [f"{POLICIES[os.sched_getscheduler(task)]} "
                f"{os.sched_getparam(task).sched_priority}" for task in self._vcpus(pid)]

    @keyword
    def get_thread_cpus(self, pid: int, name: str):
        """CPUs of a process's first thread, and a list of those of threads whose names begin so."""
        others = []
        for task in sorted(map(int, os.listdir(f"/proc/{pid}/task"))):
            status = status_of(f"/proc/{pid}/task/{task}")
            if status["Name"].startswith(name):
                others.append(status["Cpus_allowed_list"].strip())
        return status_of(f"/proc/{pid}")["Cpus_allowed_list"].strip(), others

    def _vcpus(self, pid):
        tasks = {}
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/comm", encoding="ascii") as file:
                words = file.read().strip().partition("/")[0].split()
            if words[0] == "CPU":
                tasks[int(words[1])] = int(task)
        return [tasks[index] for index in sorted(tasks)]

    @keyword
    def find_processes(self, text: str):
        """The pids of programs whose command line contains a text; this one is not among them."""
        pids = []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    command = file.read().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if text in command and command.startswith("qemu-system-"):
                pids.append(int(entry))
        return pids

    @keyword
    def process_should_be_gone(self, pid: int):
        """Fails when there is such a process, a zombie included."""
        if os.path.exists(f"/proc/{pid}"):
            raise AssertionError(f"process {pid} is there: {status_of(f'/proc/{pid}')['State']}")

    @keyword
    def signal_process(self, pid: int, name: str):
        """Sends a signal such as SIGTERM."""
        os.kill(pid, signal.Signals[name])

    @keyword
    def wait_until_process_ends(self, pid: int, timeout: float = 10):
        """Passes also when it ended before."""
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            if not select.select([descriptor], [], [], timeout)[0]:
                raise AssertionError(f"process {pid} runs after {timeout} s")
        finally:
            os.close(descriptor)

    @keyword
    def get_memory_and_threads(self, pid: int):
        """Resident memory in MiB and the number of threads."""
        status = status_of(f"/proc/{pid}")
        return {"rss": int(status["VmRSS"].split()[0]) / 1024, "threads": int(status["Threads"])}

    @keyword
    def list_files_below(self, directory: str):
        """Paths of everything below a directory but directories, with the kind of each."""
        kinds = {stat.S_IFSOCK: "socket", stat.S_IFREG: "file"}
        found = {}
        for folder, _, names in os.walk(directory):
            for name in names:
                path = os.path.join(folder, name)
                mode = stat.S_IFMT(os.lstat(path).st_mode)
                found[os.path.relpath(path, directory)] = kinds.get(mode, "other")
        return found
