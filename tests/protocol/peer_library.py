"""The keywords of echo.c for robotremoteserver: peer_library.py PORT_FILE"""
import sys
import time

from robot.api.deco import keyword
from robotremoteserver import RobotRemoteServer


class Library:
    """Keywords for comparing remote servers."""

    def __init__(self):
        """Nothing to give."""

    @keyword("Echo", tags=["value"])
    def echo(self, value):
        """Gives back its argument."""
        return value

    @keyword("Nothing")
    def nothing(self):
        pass

    @keyword("Many", types={"first": "str", "count": "int"})
    def many(self, first, *rest, count=7, **options):
        return {"first": first, "rest": list(rest), "count": count, "options": options}

    @keyword("Fail With")
    def fail_with(self, message, continuable=False, fatal=False):
        print("first step")
        print("second step")
        error = AssertionError(message)
        error.ROBOT_SUPPRESS_NAME = True
        error.ROBOT_CONTINUE_ON_FAILURE = continuable
        error.ROBOT_EXIT_ON_FAILURE = fatal
        raise error

    @keyword("Wait For Nothing")
    def wait_for_nothing(self, timeout="10"):
        time.sleep(float(timeout))

    @keyword("Raw Bytes")
    def raw_bytes(self):
        return bytes(range(256))

    @keyword("Raw Text")
    def raw_text(self):
        return "a\x1b[31mred\x1b[0m\r\nnul\0bad\udcffé😀"

    @keyword("Every Type")
    def every_type(self):
        import datetime
        return {"int": -5, "i8": 9007199254740993, "double": 0.1 + 0.2, "huge": 1e300,
                "truth": True, "nil": None, "time": datetime.datetime(2023, 9, 14, 17, 30, 23),
                "list": [1, ["x"]], "control": "\x01\x08\r"}

    @keyword("Log Lines")
    def log_lines(self):
        stamp = int(time.time() * 1000)
        for level, text in [("INFO", "a step"), ("DEBUG", "details"), ("WARN", "careful"),
                            ("HTML", "<b>bold</b>"), ("INFO", "guest said:\n*ERROR* forged\nend")]:
            print(f"*{level}:{stamp}* {text}")

    @keyword("Count Bytes")
    def count_bytes(self, value):
        return len(value)

    @keyword("Typed")
    def typed(self, text, number: int = 1, real: float = 0.5, truth: bool = False):
        return {"text": text, "number": number, "real": real, "truth": truth}


RobotRemoteServer(Library(), port=0, port_file=sys.argv[1])
