"""A running `python -m demo` for tests, and a look at what is left of it."""

import os
import subprocess
import time
import uuid
from pathlib import Path
from typing import Final

from support.model_server import ROOT, demo_python

START_TIMEOUT_S: Final = 60.0
END_TIMEOUT_S: Final = 60.0
MARK: Final = "DEMO_TEST_MARK"


class Demo:
    """A running `python -m demo`, whose descendants are recognised by a mark in their environment."""

    def __init__(self, log: Path, *arguments: str) -> None:
        self._mark = uuid.uuid4().hex
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [demo_python(), "-m", "demo", *arguments],
                cwd=ROOT,
                env=os.environ | {MARK: self._mark, "COLUMNS": "100"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def output(self) -> str:
        """What a person saw so far."""
        return self._log.read_text()

    def wait_for(self, text: str) -> str:
        """The output, once it contains `text`; without it in time the demo is ended and AssertionError raised."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while text not in self.output():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.terminate()
                self.end()
                raise AssertionError(self.output())
            time.sleep(0.02)
        return self.output()

    def end(self) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(END_TIMEOUT_S)

    def survivors(self) -> list[str]:
        """Command lines of the processes that it started and that still run."""
        mark = f"{MARK}={self._mark}".encode()
        return [_command(process) for process in Path("/proc").glob("[0-9]*") if mark in _environment(process)]


def _environment(process: Path) -> list[bytes]:
    try:
        return (process / "environ").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return []


def _command(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""
