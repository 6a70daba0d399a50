"""The options of `kaigate usage`."""

import datetime as dt

import pytest
import typer
from typer.testing import CliRunner

from kaigate.cli import usage_report
from kaigate.cli.usage import usage
from kaigate.ledger.query import Filters


@pytest.fixture
def run(monkeypatch):
    asked = []

    def report(option, query, *, form):
        asked.append((query, form))
        return 0

    monkeypatch.setattr(usage_report, "report_usage", report)
    app = typer.Typer()
    app.command()(usage)

    def call(*arguments):
        asked.clear()
        result = CliRunner().invoke(app, list(arguments))
        return result.exit_code, asked[0] if asked else None

    return call


def test_by_default_the_last_thirty_days_by_key_and_model(run):
    code, (query, form) = run()
    assert (code, form, query.group_by) == (0, "table", ("key", "model"))
    assert query.until - query.since == dt.timedelta(29)


def test_every_option(run):
    options = "--by day,team --from 2026-02-01 --to 2026-02-03 --key k --team t --user u --model m --provider p --csv"
    code, (query, form) = run(*options.split(), "--limit", "5")
    assert (code, form) == (0, "csv")
    assert (query.since, query.until, query.limit) == (dt.date(2026, 2, 1), dt.date(2026, 2, 3), 5)
    assert (query.group_by, query.filters) == (("day", "team"), Filters("k", "t", "u", "m", "p"))


@pytest.mark.parametrize(
    "options",
    [
        "--json --csv",
        "--by secret",
        "--by key,key",
        "--from soon",
        "--limit 0",
        "--limit 10001",
        "--from 2026-02-02 --to 2026-02-01",
    ],
)
def test_what_makes_no_sense_is_a_usage_error(run, options):
    assert run(*options.split()) == (2, None)
