"""Facts about the machine and the programs, as far as they explain the figures; nothing that names the machine."""

import importlib.metadata
import os
import platform
import re
import subprocess
from pathlib import Path

from bench.processes import Cores


def facts(cores: Cores, nginx: Path) -> dict[str, str]:
    """Name and value of each fact, in the order to print them."""
    return {
        "processor": _processor(),
        "cores": f"{os.cpu_count()} ({len(cores.target)} for the target, {len(cores.others)} for load and mock)",
        "load average before the run": f"{os.getloadavg()[0]:.1f} (other work on the machine widens every interval)",
        "kernel": f"{platform.system()} {_version(platform.release())}",
        "Python": platform.python_version(),
        "uvloop, uvicorn, msgspec": ", ".join(importlib.metadata.version(n) for n in ("uvloop", "uvicorn", "msgspec")),
        "nginx": _nginx_version(nginx),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _version(text: str) -> str:
    found = re.search(r"\d+(\.\d+)+", text)
    return found[0] if found else "unknown"


def _nginx_version(nginx: Path) -> str:
    shown = subprocess.run([nginx, "-v"], capture_output=True, text=True, timeout=10, check=True)
    return _version(shown.stderr)
