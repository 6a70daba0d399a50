"""`python -m bench.hotspots`: the gateway under cProfile and load, and the functions it spends its time in.

cProfile makes calls dearer than they are, so read the shares, not the times.
"""

import argparse
import pstats
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench import targets
from bench.load import Job
from bench.processes import running, split_cores
from bench.rounds import send


def main() -> int:
    """Profile one configuration under one workload and print the dearest functions."""
    parser = argparse.ArgumentParser(prog="python -m bench.hotspots", description="Profile the gateway under load.")
    parser.add_argument("--stream", action="store_true", help="paced streams instead of complete answers")
    parser.add_argument("--no-redaction", action="store_true", help="redaction off")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long the load runs")
    parser.add_argument("--rows", type=int, default=40, help="functions to print")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        recorded = _record(
            Path(name), redaction=not options.no_redaction, stream=options.stream, seconds=options.seconds
        )
        stats = pstats.Stats(str(recorded))
        stats.strip_dirs().sort_stats("tottime").print_stats(options.rows)
    return 0


def _record(folder: Path, *, redaction: bool, stream: bool, seconds: float) -> Path:
    """Run the gateway under the profiler and load; the profile is written when it has stopped."""
    recorded = folder / "gateway.profile"
    cores = split_cores()
    with ExitStack() as stack:
        mock = stack.enter_context(targets.mock(cores, folder))
        bench = targets.Bench(cores, folder, mock.chat_port)
        command = [sys.executable, "-m", "bench.load"]
        load = stack.enter_context(running(command, pinned=cores.others, log=folder / "load.log", piped=True))
        wrapper = (sys.executable, "-m", "cProfile", "-o", str(recorded))
        gateway = stack.enter_context(targets.gateway(bench, "profiled", redaction=redaction, wrapper=wrapper))
        send(load, Job(gateway.chat_port, "stream" if stream else "chat", 50 if stream else 16, targets.KEY, seconds))
    return recorded


if __name__ == "__main__":
    sys.exit(main())
