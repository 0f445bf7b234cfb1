"""What a server left on this machine: processes and files that name its run directory."""
import glob
import os
import time

from robot.api.deco import keyword, library


def _processes(text):
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as f:
                command = f.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in command and "vhosteld" not in command and "with-server" not in command:
            found.append(f"{path.split('/')[2]}: {command[:200]}")
    return found


def _files(directory):
    return [os.path.join(root, name) for root, _, names in os.walk(directory) for name in names
            if name not in ("console.log", "lock")]


@library(scope="GLOBAL", auto_keywords=False)
class Leftovers:
    @keyword
    def nothing_should_be_left(self, timeout: float = 5):
        """Waits until the server's run directory has only console logs and no process uses it."""
        directory = os.environ["VHOSTEL_RUN_DIR"]
        deadline = time.monotonic() + timeout
        while True:
            left = _processes(directory) + _files(directory)
            left += glob.glob(f"{directory}/@*")
            if not left:
                return
            if time.monotonic() > deadline:
                raise AssertionError("left behind:\n" + "\n".join(left))
            time.sleep(0.05)

    @keyword
    def get_server_usage(self):
        """Returns memory in KiB, threads and open descriptors of the server."""
        pid = os.environ["VHOSTEL_PID"]
        with open(f"/proc/{pid}/status") as f:
            status = dict(line.split(":", 1) for line in f)
        return {"memory": int(status["VmRSS"].split()[0]), "threads": int(status["Threads"]),
                "descriptors": len(os.listdir(f"/proc/{pid}/fd"))}
