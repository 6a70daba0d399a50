"""The reference page: method, machine, tables, how to run."""

from collections.abc import Mapping, Sequence
from typing import Final

from bench import messages
from bench.budgets import REFERENCE_US
from bench.report import Table
from bench.rounds import Settings


def page(shown: Sequence[Table], facts: Mapping[str, str], settings: Settings) -> str:
    """The whole page in Markdown."""
    return _PAGE.format(
        rounds=settings.rounds,
        streams=settings.streams,
        chunks=messages.CHUNKS,
        interval_ms=messages.CHUNK_INTERVAL_S * 1000,
        requests=settings.rss_requests,
        keys=settings.rss_keys,
        warm_up=settings.rss_warm_up,
        reference=REFERENCE_US,
        facts="\n".join(f"- {name}: {value}" for name, value in facts.items()),
        tables="\n".join(in_markdown(table) for table in shown),
    )


def in_markdown(table: Table) -> str:
    """A table under its heading."""
    marks = ["---", *["--:"] * (len(table.header) - 1)]
    lines = ["| " + " | ".join(row) + " |" for row in (table.header, marks, *table.rows)]
    return f"### {table.title}\n\n" + "\n".join(lines) + "\n"


_PAGE: Final = """# Benchmarks

Written by `make bench`; do not edit. The figures are of one run on one machine: the ratios carry over to others, the
microseconds do not.

## Method

Load generator, upstream mock, nginx and the gateway run on one machine over loopback. The target has one core to
itself; load and mock have the others. A request is a chat completion of about 1 KB with an answer of about 1 KB, over
keep-alive connections. Every answer is checked for its status and its whole text; one wrong answer voids the run.

- **CPU per request** is the CPU time of the target's whole process tree, from the kernel's accounting (the processes'
  CPU clocks, in nanoseconds), divided by the answers. It is the primary figure: it says how many replicas a load needs.
- **Interleaved**: {rounds} short rounds; each measures every target once, in an order that rotates. A ratio is formed
  with nginx of the same round, so that drift of the machine cancels. Reported are medians over the rounds, and the 95 %
  confidence interval of the median (bootstrap). A second nginx is measured like a gateway: its distance from 1 is the
  noise of the run.
- **nginx** is the floor: one worker, keep-alive to the upstream, no access log, unbuffered for streams. It neither
  checks a key nor reads a body.
- **kaigate** runs as `kaigate serve` with key authentication on and the access log off, with secret redaction off
  (pass-through) and on.
- **Translation** is an OpenAI client before an upstream that speaks Anthropic's Messages format: `translate_ratio` is
  its CPU to the gateway's own pass-through of the same round, both with redaction off.
- **The limiter's cost** is what every kind of limit kept in Valkey (requests, tokens, parallel leases, budget: one
  script on the way in, a share of one on the way out with the usage record) adds to a gateway that counts input tokens
  for a ceiling already, with more requests at a time. Its budget of 25 us was set on a machine where nginx takes
  {reference:g} us for a request: `limiter_us` is in that machine's microseconds, by nginx of the same round. It is
  measured with a database that is away, so that usage stays in the outbox; what its delivery into SQLite adds is
  `ledger_us`, in the same microseconds.
- **The interpreter** matters: one built without profile-guided optimisation, as version managers often build it, costs
  the gateway about a fifth more CPU and nginx nothing. `make` takes the system's own where there is one.
- **Added latency** is p50 and p99 at one request at a time, minus the same without a proxy in the same round. The
  figures of the JSON line are those with redaction on.
- **Streams** have {chunks} text chunks, one each {interval_ms:g} ms, and the usage chunk; {streams} run at once, out of
  step. Every chunk is inspected.
- **Memory** is the resident set after {warm_up:,} requests, and what {requests:,} more add to it. With many keys it is
  the same for {keys:,} virtual keys of the database that are used in turn, each of them once before the measurement.

A budget fails (exit status 1) only when the whole interval lies beyond it.

## Machine

{facts}

## Figures

Times are in microseconds; "busy" is the share of the wall time that the target used its core.

{tables}
## Run it

    make bench                                          # about four minutes; rewrites this page
    .venv/bin/python -m bench --only redaction,stream   # some targets; the page stays as it is
    .venv/bin/python -m bench --quick                   # does it still run? no budget is judged
    .venv/bin/python -m bench.hotspots                  # where the gateway spends its time

The last line of output is one JSON object; a figure is null when it was not measured or its feature does not exist.
"""
