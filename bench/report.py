"""The figures as tables."""

from collections.abc import Sequence
from statistics import median
from typing import Final

import msgspec
from rich.box import SIMPLE
from rich.table import Table as RichTable

from bench import messages
from bench.budgets import BASE, Verdict, cpu_ratio
from bench.intervals import Estimate, paired_difference
from bench.rounds import Memory, Sample, Samples, Settings, Workload

_NAMES: Final = {
    "direct": "direct, no proxy",
    "nginx": "nginx, plain proxy",
    "nginx-again": "a second nginx",
    "passthrough": "kaigate, key check, redaction off",
    "redaction": "kaigate, key check, redaction on",
    "translate": "kaigate, key check, redaction off, Anthropic upstream",
    "counted": "kaigate, key check, input tokens counted",
    "limits": "the same, every limit in Valkey",
    "ledger": "the same, and usage into SQLite",
    "keys": "kaigate, many virtual keys in turn, every limit in Valkey",
}


class Table(msgspec.Struct, frozen=True):
    """A titled table; the first column names the row, the others are figures."""

    title: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]


def tables(samples: Samples, settings: Settings, memory: Sequence[Memory], verdicts: Sequence[Verdict]) -> list[Table]:
    """Everything that was measured; workloads that were not run are left out."""
    found = [
        _throughput(samples, "chat", settings.concurrency),
        _throughput(samples, "loaded", settings.loaded),
        _latency(samples),
        _streams(samples, settings),
        _memory(memory, settings),
        _budgets(verdicts),
    ]
    return [table for table in found if table.rows]


def for_terminal(table: Table) -> RichTable:
    """The table as rich prints it."""
    shown = RichTable(title=table.title, title_justify="left", box=SIMPLE)
    for number, name in enumerate(table.header):
        shown.add_column(name, justify="right" if number else "left")
    for row in table.rows:
        shown.add_row(*row)
    return shown


def with_interval(value: Estimate, digits: int = 2) -> str:
    """`2.41 (2.35 to 2.50)`."""
    if value.rounds == 1:
        return f"{value.median:.{digits}f}"
    return f"{value.median:.{digits}f} ({value.low:.{digits}f} to {value.high:.{digits}f})"


def _throughput(samples: Samples, measured: Workload, concurrency: int) -> Table:
    rows: list[tuple[str, ...]] = []
    for (workload, target), row in samples.items():
        if workload != measured or not row:
            continue
        ratio = cpu_ratio(samples, measured, target) if target not in {BASE, "direct"} else None
        own = target != "direct"
        rows.append(
            (
                _NAMES[target],
                f"{_median(row, 'cpu_us'):.1f}" if own else "",
                with_interval(ratio) if ratio else "1" if own else "",
                f"{_median(row, 'rate'):,.0f}",
                f"{_median(row, 'busy'):.0%}" if own else "",
            )
        )
    title = f"{concurrency} requests at a time"
    return Table(title, ("target", "us CPU/request", "to nginx (95 %)", "requests/s", "busy"), rows)


def _latency(samples: Samples) -> Table:
    rows: list[tuple[str, ...]] = []
    direct = samples.get(("single", "direct"), [])
    for (workload, target), row in samples.items():
        if workload != "single" or not row:
            continue
        added: list[str] = []
        for name in ("p50_us", "p99_us"):
            difference = paired_difference([getattr(s, name) for s in row], [getattr(s, name) for s in direct])
            added.append("" if target == "direct" else with_interval(difference, 0))
        rows.append((_NAMES[target], f"{_median(row, 'p50_us'):.0f}", f"{_median(row, 'p99_us'):.0f}", *added))
    header = ("target", "p50 us", "p99 us", "added p50 (95 %)", "added p99 (95 %)")
    return Table("One request at a time", header, rows)


def _streams(samples: Samples, settings: Settings) -> Table:
    rows: list[tuple[str, ...]] = []
    for (workload, target), row in samples.items():
        if workload != "stream" or not row:
            continue
        ratio = cpu_ratio(samples, "stream", target) if target != BASE else None
        cpu = _median(row, "cpu_us")
        rows.append(
            (
                _NAMES[target],
                f"{cpu:,.0f}",
                f"{cpu / messages.CHUNKS:.1f}",
                with_interval(ratio) if ratio else "1",
                f"{_median(row, 'busy'):.0%}",
            )
        )
    title = f"{settings.streams} streams at a time, {messages.CHUNKS} chunks each"
    return Table(title, ("target", "us CPU/stream", "us CPU/chunk", "to nginx (95 %)", "busy"), rows)


def _memory(memory: Sequence[Memory], settings: Settings) -> Table:
    rows: list[tuple[str, ...]] = [
        (_NAMES[each.target], f"{each.start_mib:.1f}", f"{each.growth_mib:+.2f}") for each in memory
    ]
    header = ("target", "MiB after warm-up", f"MiB more after {settings.rss_requests:,} requests")
    return Table("Resident memory", header, rows)


def _budgets(verdicts: Sequence[Verdict]) -> Table:
    rows: list[tuple[str, ...]] = [
        (v.name, with_interval(v.measured), f"{v.limit:g}", "kept" if v.kept else "BROKEN") for v in verdicts
    ]
    return Table("Budgets", ("figure", "measured (95 %)", "at most", "verdict"), rows)


def _median(row: Sequence[Sample], name: str) -> float:
    return median(float(getattr(sample, name)) for sample in row)
