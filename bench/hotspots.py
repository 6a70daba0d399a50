"""`python -m bench.hotspots`: the gateway under cProfile and load, and the functions it spends its time in.

Figures are per answer, and functions that are not called for most answers are left out, so that start-up does not hide
the hot path. cProfile makes calls dearer than they are: read the shares and the numbers of calls, not the times.
"""

import argparse
import pstats
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import msgspec
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bench import targets
from bench.load import Job
from bench.processes import running, split_cores
from bench.rounds import send


class Spot(msgspec.Struct, frozen=True):
    """One function: calls for each answer, microseconds in it alone and with everything that it calls."""

    name: str
    calls: float
    own_us: float
    total_us: float


def main() -> int:
    """Profile one configuration under one workload and print the dearest functions."""
    parser = argparse.ArgumentParser(prog="python -m bench.hotspots", description="Profile the gateway under load.")
    parser.add_argument("--stream", action="store_true", help="paced streams instead of complete answers")
    parser.add_argument("--no-redaction", action="store_true", help="redaction off")
    parser.add_argument("--translate", action="store_true", help="an upstream that speaks Anthropic's format")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long the load runs")
    parser.add_argument("--rows", type=int, default=40, help="functions to print")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        found = _record(Path(name), options)
    table = Table("function", box=SIMPLE)
    for column in ("calls/answer", "own us", "with callees us"):
        table.add_column(column, justify="right")
    for spot in found[: options.rows]:
        table.add_row(spot.name, f"{spot.calls:.1f}", f"{spot.own_us:.1f}", f"{spot.total_us:.1f}")
    Console(width=120).print(table)
    return 0


def spots(recorded: pstats.Stats, answers: int) -> list[Spot]:
    """Functions called for at least half of the answers, dearest first."""
    found = [
        Spot(f"{Path(file).name}:{line} {function}", calls / answers, own * 1e6 / answers, total * 1e6 / answers)
        for (file, line, function), (_, calls, own, total, _) in recorded.stats.items()  # type: ignore[attr-defined]
        if calls >= answers / 2
    ]
    return sorted(found, key=lambda spot: -spot.own_us)


def _record(folder: Path, options: argparse.Namespace) -> list[Spot]:
    """Run the gateway under the profiler and load; the profile is written when it has stopped."""
    recorded = folder / "gateway.profile"
    cores = split_cores()
    with ExitStack() as stack:
        mock = stack.enter_context(targets.mock(cores, folder))
        bench = targets.Bench(cores, folder, mock.chat_port)
        command = [sys.executable, "-m", "bench.load"]
        load = stack.enter_context(running(command, pinned=cores.others, log=folder / "load.log", piped=True))
        wrapper = (sys.executable, "-m", "cProfile", "-o", str(recorded))
        gateway = stack.enter_context(
            targets.gateway(
                bench,
                "profiled",
                redaction=not options.no_redaction,
                translate=options.translate,
                wrapper=wrapper,
            )
        )
        concurrency = 50 if options.stream else 16
        kind: Literal["chat", "stream"] = "stream" if options.stream else "chat"
        job = Job(gateway.chat_port, kind, concurrency, targets.KEY, options.seconds)
        answers = send(load, job).requests
    return spots(pstats.Stats(str(recorded)), answers)


if __name__ == "__main__":
    sys.exit(main())
