"""Where suites that run at the same time wait for each other and tell what they have.

The meeting place is a socket of tests/csit/run.py, whose path is in the environment variable
MEETING: it answers when all have come, so nobody waits for time.
"""
import json
import os
import socket

from robot.api.deco import keyword, library

MEETING_SECONDS = 120
# What belongs to one VM only, as VM infos have it.
SINGLE = ("name", "qemu_id", "port", "serial", "pid", "run_dir", "qmp_socket", "console_log")


@library(scope="SUITE", auto_keywords=False)
class Meeting:
    @keyword
    def meet(self, who: str, what: dict | None = None):
        """Waits until the other suite is here too; returns what it has told."""
        answer = self._say(json.dumps(what))
        if not answer:
            raise AssertionError(f"{who}: the other suite did not come")
        return json.loads(answer)

    @keyword
    def leave(self):
        """This suite does not come any more: whoever waits need not."""
        self._say("")

    @staticmethod
    def _say(line):
        with socket.socket(socket.AF_UNIX) as place:
            place.settimeout(MEETING_SECONDS)
            place.connect(os.environ["MEETING"])
            with place.makefile("rw") as lines:
                lines.write(line + "\n")
                lines.flush()
                return lines.readline()

    @keyword
    def what_vms_have(self, infos: list):
        """{what: [values]} of all that only one VM may have."""
        have = {what: [info[what] for info in infos] for what in SINGLE}
        nics = [nic for info in infos for nic in info["interfaces"].values()]
        have["socket"] = [nic["socket"] for nic in nics]
        have["mac_address"] = [nic["mac_address"] for nic in nics]
        have["host_cpus"] = [cpu for info in infos for cpu in info["host_cpus"]]
        return have

    @keyword
    def nothing_should_be_in_both(self, mine: dict, others: dict):
        """Fails with everything that both have."""
        both = [f"{what}: {value}" for what, values in mine.items()
                for value in values if value in others[what]]
        if both:
            raise AssertionError("both suites have " + ", ".join(both))
        for what, values in mine.items():
            if what != "host_cpus" and not values:
                raise AssertionError(f"no {what} at all")
