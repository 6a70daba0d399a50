"""Processes of the benchmark: started pinned to cores, awaited, and stopped whatever happens.

Each runs in a session of its own, so that Ctrl-C reaches only the benchmark, which then stops them in order.
"""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

_START_S: Final = 30.0
_STOP_S: Final = 15.0


class BenchError(Exception):
    """The run is void: a program did not start, ended early, or answered wrongly."""


class Cores(msgspec.Struct, frozen=True):
    """Where things run: the measured target alone on one core, everything else on the others."""

    target: frozenset[int]
    others: frozenset[int]


def split_cores() -> Cores:
    """Share out the cores that this process may use; with a single core everything runs there."""
    usable = sorted(os.sched_getaffinity(0))
    return Cores(frozenset(usable[:1]), frozenset(usable[1:] or usable))


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(
    command: Sequence[str | Path],
    *,
    pinned: frozenset[int],
    log: Path,
    env: Mapping[str, str] | None = None,
    piped: bool = False,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program on the cores `pinned` until the block ends.

    What it prints goes to `log`; with `piped`, standard input and output are pipes instead.
    """
    mine = os.sched_getaffinity(0)
    with log.open("wb") as output:
        # A child inherits the cores, so every thread that it ever starts is pinned too.
        os.sched_setaffinity(0, pinned)
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
                stdout=subprocess.PIPE if piped else output,
                stderr=output,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )
        finally:
            os.sched_setaffinity(0, mine)
    try:
        yield process
    finally:
        _stop(process)


def await_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until `port` accepts connections. Raises BenchError with the end of `log` when it does not."""
    limit = time.monotonic() + _START_S
    while time.monotonic() < limit and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
            return
        time.sleep(0.02)
    tail = log.read_text(encoding="utf-8", errors="replace")[-2000:]
    raise BenchError(f"{log.stem} does not listen on port {port}:\n{tail}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(_STOP_S)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
