"""What `kaigate usage` reads and prints."""

import asyncio
import datetime as dt
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kaigate.cli.problems import refuse
from kaigate.config.database import database_url
from kaigate.config.load import config_path, load, with_variables
from kaigate.config.models import GatewayConfig
from kaigate.config.problems import ConfigError
from kaigate.config.secrets import SecretError, SecretRef, resolve
from kaigate.ledger.formats import to_csv, to_json
from kaigate.ledger.query import DIMENSIONS, Dimension, Filters, Query, Report
from kaigate.ledger.reports import Reports
from kaigate.ledger.rollup import Sums
from kaigate.money import to_usd
from kaigate.store.errors import StoreError, StoreRefused
from kaigate.store.sql.engine import Database

Form = Literal["table", "json", "csv"]
_DEFAULT_DAYS: Final = 30
_HEADINGS: Final = ("requests", "blocked", "failed", "input tokens", "output tokens", "cost USD")


def query_of(
    by: str,
    *,
    since: dt.date | None,
    until: dt.date | None,
    filters: Mapping[str, str | None],
    limit: int,
) -> Query:
    """What the options ask; raises ValueError."""
    known: dict[str, Dimension] = {name: name for name in DIMENSIONS}
    names = [name.strip() for name in by.split(",") if name.strip()]
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"--by takes {', '.join(DIMENSIONS)}, not {unknown[0]!r}")
    today = dt.datetime.now(dt.UTC).date()
    last = until or max(today, since or today)
    first = since or dt.date.fromordinal(max(1, last.toordinal() - _DEFAULT_DAYS + 1))
    return Query(first, last, tuple(known[name] for name in names), Filters(**filters), limit)


def report_usage(option: Path | None, query: Query, *, form: Form) -> int:
    """Print the report; the exit code."""
    try:
        url = _url(option)
    except ConfigError as error:
        return refuse(error)
    except SecretError as error:
        return _fail(str(error))
    try:
        report = asyncio.run(_read(_database(url), query))
    except StoreRefused as error:
        return _fail(f"{error}: was a gateway started with this database?")
    except StoreError as error:
        return _fail(str(error))
    _print(report, form)
    return 0


def _url(option: Path | None) -> str:
    """Only the database's own secret is read: whoever reads reports need not hold the providers' keys."""
    path = config_path(option, os.environ)
    if path is None:
        # No provider is needed here.
        config = with_variables(GatewayConfig(), os.environ)
    else:
        config = load(path, os.environ, resolve_secrets=False).config
    reference = config.store.database
    secrets = {reference: resolve(reference, os.environ)} if isinstance(reference, SecretRef) else {}
    return database_url(config, os.environ, secrets)


def _database(url: str) -> Database:
    db = Database(url)
    # To connect would make the file.
    if db.dialect == "sqlite" and not Path(db.url.database or "").is_file():
        raise StoreRefused("there is no database yet")
    return db


async def _read(db: Database, query: Query) -> Report:
    try:
        return await Reports(db).report(query)
    finally:
        await db.aclose()


def _print(report: Report, form: Form) -> None:
    if form == "json":
        print(msgspec.json.encode(to_json(report)).decode())
    elif form == "csv":
        # The lines end as CSV wants them, whatever the terminal's are.
        sys.stdout.write(to_csv(report))
    else:
        Console().print(_table(report))
    if report.truncated and form != "json":
        print(f"more rows than {report.query.limit}: raise --limit or narrow the question", file=sys.stderr)


def _table(report: Report) -> Table:
    query = report.query
    table = Table(title=f"Usage from {query.since} to {query.until} (UTC)", title_justify="left", show_footer=True)
    footer = _cells(report.totals)
    for position, dimension in enumerate(query.group_by):
        table.add_column(dimension, footer="" if position else "total", overflow="fold")
    for name, total in zip(_HEADINGS, footer, strict=True):
        table.add_column(name, footer=total, justify="right")
    for row in report.rows:
        table.add_row(*(Text(_visible(name)) for name in row.group), *_cells(row.totals))
    return table


def _cells(totals: Sums) -> tuple[str, ...]:
    counts = (totals.requests, totals.blocked, totals.failed, totals.input_tokens, totals.output_tokens)
    return (*(f"{count:,}" for count in counts), to_usd(totals.nanodollars, 6))


def _visible(name: str) -> str:
    """A name for a terminal: what would move its cursor or change its colours is shown as a question mark."""
    return "".join(character if character.isprintable() else "?" for character in name) or "-"


def _fail(reason: str) -> int:
    print(reason, file=sys.stderr)
    return 1
