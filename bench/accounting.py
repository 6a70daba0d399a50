"""What a process tree has used, from the kernel's own accounting: CPU time in nanoseconds and resident memory.

CPU time of a live process is its POSIX CPU clock (all threads, ended ones too; clock_getcpuclockid(3)), that of its
reaped children is `cutime + cstime` of /proc/PID/stat (proc(5), in clock ticks).
"""

import os
import time
from pathlib import Path
from typing import Final

_TICK_NS: Final = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_PROC: Final = Path("/proc")


def cpu_ns(root: int) -> int:
    """CPU time that `root` and its descendants have used since they started."""
    return sum(_own_ns(pid) + _reaped_ns(pid) for pid in tree(root))


def rss_bytes(root: int) -> int:
    """Resident memory of `root` and its descendants; pages they share count once for each."""
    return sum(int((_PROC / str(pid) / "statm").read_text().split()[1]) for pid in tree(root)) * _PAGE_BYTES


def tree(root: int) -> list[int]:
    """`root` and its live descendants. Raises FileNotFoundError when `root` is gone."""
    if not (_PROC / str(root)).exists():
        raise FileNotFoundError(f"process {root} has ended")
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdecimal() and (fields := _stat(int(entry.name))) is not None:
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def _own_ns(pid: int) -> int:
    # The clock id of another process, as glibc's clock_getcpuclockid makes it: inverted pid, scheduler clock.
    return time.clock_gettime_ns((~pid << 3) | 2)


def _reaped_ns(pid: int) -> int:
    fields = _stat(pid)
    return 0 if fields is None else (int(fields[13]) + int(fields[14])) * _TICK_NS


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/PID/stat after the command name, from `state` on; None when the process has just ended."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text[text.rindex(")") + 2 :].split()
