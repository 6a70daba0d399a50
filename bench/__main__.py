"""`python -m bench`: measure the gateway beside nginx, print tables, write the reference page, judge the budgets.

The last line of standard output is one JSON object (`bench.budgets.KEYS`). Exit status: 0 every budget kept, 1 one is
broken or the run is void, 2 usage, 130 interrupted.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NoReturn

import msgspec
from rich.console import Console

from bench import budgets, machine, page, report, targets
from bench.processes import BenchError, running, split_cores
from bench.rounds import Memory, Progress, Samples, Settings, Workload, interleave, measure_memory
from bench.targets import Target

CHOICES: Final = ("nginx", "passthrough", "redaction", "limits", "keys", "stream", "translate")
_PAGE: Final = Path(__file__).parents[1] / "docs" / "reference" / "benchmarks.md"
_QUICK: Final = Settings(rounds=2, seconds=0.1, streams=8, rss_requests=500, rss_warm_up=100, rss_keys=50)


class Outcome(msgspec.Struct, frozen=True):
    """What a run brought: samples, memory of some targets, facts about the machine."""

    samples: Samples
    memory: list[Memory]
    facts: dict[str, str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark as the arguments say and return the exit status."""
    options = _options(arguments)
    settings = _settings(options)
    errors = Console(stderr=True)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with errors.status("starting") as status:
            outcome = run(settings, options.only, status.update)
    except BenchError as error:
        errors.print(f"void: {error}", markup=False, highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        errors.print("interrupted")
        return 130
    measured = budgets.figures(outcome.samples, outcome.memory)
    verdicts = [] if options.quick else budgets.judge(measured)
    shown = report.tables(outcome.samples, settings, outcome.memory, verdicts)
    console = Console() if sys.stdout.isatty() else Console(width=110)
    for table in shown:
        console.print(report.for_terminal(table))
    if not options.quick and set(options.only) == set(CHOICES):
        _PAGE.parent.mkdir(parents=True, exist_ok=True)
        _PAGE.write_text(page.page(shown, outcome.facts, settings), encoding="utf-8")
    print(budgets.json_line(measured))
    return 0 if all(verdict.kept for verdict in verdicts) else 1


def run(settings: Settings, only: Sequence[str], progress: Progress) -> Outcome:
    """Start what is needed, measure it, stop it. Raises BenchError when the run is void."""
    facts = machine.facts(split_cores(), targets.nginx_path())
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        cores = split_cores()
        direct = stack.enter_context(targets.mock(cores, folder))
        bench = targets.Bench(cores, folder, direct.chat_port)
        floor = [stack.enter_context(targets.nginx(bench, name)) for name in (budgets.BASE, "nginx-again")]
        progress("starting the gateway")
        gateways = {
            name: stack.enter_context(
                targets.gateway(
                    bench,
                    name,
                    redaction=name == "redaction",
                    counted=name == "counted",
                    translate=name == "translate",
                )
            )
            for name in _gateways(only)
        }
        for name in _limited(only):
            redis = stack.enter_context(targets.valkey(bench, name))
            count = settings.rss_keys if name == "keys" else 0
            database = targets.NOWHERE if name == "limits" else None
            gateways[name] = stack.enter_context(
                targets.gateway(bench, name, redaction=False, redis=redis, database=database, virtual_keys=count)
            )
        command = [sys.executable, "-m", "bench.load"]
        load = stack.enter_context(running(command, pinned=cores.others, log=folder / "load.log", piped=True))
        samples = interleave(load, _plan(direct, floor, gateways, only), settings, progress)
        grown = (gateways.get("redaction") or gateways.get("passthrough"), gateways.get("keys"))
        memory = [measure_memory(load, target, settings, progress) for target in grown if target is not None]
        return Outcome(samples, memory, facts)


def _gateways(only: Sequence[str]) -> list[str]:
    wanted: list[str] = [name for name in ("passthrough", "translate") if name in _of_chat(only)]
    if {"redaction", "stream"} & set(only):
        wanted.append("redaction")
    # The limiter's cost is what limits add to a gateway that counts tokens already.
    return [*wanted, "counted"] if "limits" in only else wanted


def _of_chat(only: Sequence[str]) -> set[str]:
    """The gateways that are measured with complete answers; what is translated is compared with what is passed on."""
    return {*only, "passthrough"} if "translate" in only else set(only)


def _limited(only: Sequence[str]) -> list[str]:
    # What brings usage to SQL is measured apart from what limits requests.
    wanted = ["limits", "ledger"] if "limits" in only else []
    return [*wanted, "keys"] if "keys" in only else wanted


def _plan(
    direct: Target, floor: list[Target], gateways: dict[str, Target], only: Sequence[str]
) -> dict[Workload, Sequence[Target]]:
    """Which targets each workload measures."""
    chat = [gateways[name] for name in ("passthrough", "redaction", "translate") if name in _of_chat(only)]
    plan: dict[Workload, Sequence[Target]] = {}
    if set(only) != {"stream"}:
        plan |= {"chat": [direct, *floor, *chat], "single": [direct, floor[0], *chat]}
    if "limits" in only:
        plan["loaded"] = [floor[0], gateways["counted"], gateways["limits"], gateways["ledger"]]
    if "stream" in only:
        plan["stream"] = [*floor, gateways["redaction"]]
    elif set(only) == {"nginx"}:
        plan["stream"] = floor
    return plan


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the gateway beside nginx.")
    parser.add_argument("--rounds", type=_positive, help=f"rounds (default {Settings().rounds})")
    parser.add_argument("--seconds", type=_seconds, help=f"seconds a sample (default {Settings().seconds})")
    parser.add_argument("--requests", type=_positive, help="requests of the memory measurement (default 100000)")
    parser.add_argument("--only", type=_names, default=CHOICES, help=f"some of {','.join(CHOICES)}; nginx always runs")
    parser.add_argument("--quick", action="store_true", help="a few seconds, no budget judged, no page written")
    return parser.parse_args(arguments)


def _settings(options: argparse.Namespace) -> Settings:
    given = {"rounds": options.rounds, "seconds": options.seconds, "rss_requests": options.requests}
    base = _QUICK if options.quick else Settings()
    return msgspec.structs.replace(base, **{name: value for name, value in given.items() if value is not None})


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := set(names) - set(CHOICES):
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(CHOICES)}")
    return names


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0.05 <= number <= 60:
        raise argparse.ArgumentTypeError("must be from 0.05 to 60")
    return number


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
