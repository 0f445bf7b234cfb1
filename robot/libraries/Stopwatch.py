"""Times and checksums, for suites."""
import hashlib
import time

from robot.api.deco import keyword, library


@library(scope="SUITE", auto_keywords=False)
class Stopwatch:
    def __init__(self):
        self._began = 0.0

    @keyword
    def start_the_stopwatch(self):
        self._began = time.monotonic()

    @keyword
    def read_the_stopwatch(self):
        """Returns the seconds since it was started."""
        return round(time.monotonic() - self._began, 4)

    @keyword
    def digest_of_file(self, path: str):
        """Returns the SHA-256 of a file in hexadecimal."""
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() \
                if hasattr(hashlib, "file_digest") else hashlib.sha256(file.read()).hexdigest()
