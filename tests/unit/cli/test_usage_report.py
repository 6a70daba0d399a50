"""`kaigate usage` over a real database file."""

import asyncio
import csv
import datetime as dt
import io

import msgspec
import pytest

from kaigate.cli.usage_report import query_of, report_usage
from kaigate.ledger.sql import Ledger
from kaigate.store.sql.engine import Database
from support.ledger_db import clear, migrated
from support.usage_records import usage_record

DAY = dt.date(2026, 3, 1)


@pytest.fixture
def url():
    return migrated("sqlite")


@pytest.fixture
def filled(url, monkeypatch):
    records = [
        usage_record(id="a", team="[red]ml[/red]"),
        usage_record(id="b", key_id="k2", team="\x1b[31m", outcome="blocked", nanodollars=0),
        usage_record(id="c", key_id="k2", team="", nanodollars=123_456_789_012),
    ]

    async def fill():
        db = Database(url)
        await clear(db)
        await Ledger(db).store(records)
        await db.aclose()

    asyncio.run(fill())
    monkeypatch.setenv("KAIGATE_DATABASE_URL", url)
    monkeypatch.delenv("KAIGATE_CONFIG", raising=False)
    monkeypatch.setenv("COLUMNS", "200")


def asked(by="key,team", **filters):
    return query_of(by, since=DAY, until=DAY, filters=filters, limit=100)


def test_a_table_for_people(filled, capsys):
    assert report_usage(None, asked(), form="table") == 0
    out = capsys.readouterr().out
    assert "Usage from 2026-03-01 to 2026-03-01 (UTC)" in out
    assert "[red]ml[/red]" in out
    assert "\x1b" not in out
    assert [line.split()[-2] for line in out.splitlines() if "total" in line and "tokens" not in line] == ["123.458289"]


def test_json_for_programs(filled, capsys):
    assert report_usage(None, asked("provider", key="k2"), form="json") == 0
    answer = msgspec.json.decode(capsys.readouterr().out)
    assert (answer["totals"]["requests"], answer["totals"]["blocked"]) == (2, 1)
    assert [(row["provider"], row["cost_usd"]) for row in answer["data"]] == [("openai", "123.456789012")]


def test_csv_for_spreadsheets(filled, capsys):
    assert report_usage(None, asked("key"), form="csv") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["key"], row["requests"]) for row in rows] == [("k2", "2"), ("k1", "1")]


def test_a_cut_report_says_so_beside_it(filled, capsys):
    query = msgspec.structs.replace(asked("key"), limit=1)
    assert report_usage(None, query, form="csv") == 0
    assert "more rows than 1" in capsys.readouterr().err


def test_only_the_secret_of_the_database_is_read(filled, tmp_path, monkeypatch, url, capsys):
    monkeypatch.delenv("KAIGATE_DATABASE_URL")
    monkeypatch.setenv("REPORT_DATABASE", url)
    file = tmp_path / "gateway.yaml"
    file.write_text(
        "providers: {openai: {type: openai, api_key: env:NOT_SET_HERE}}\n"
        "models: {gpt-5: {deployments: [{provider: openai}]}}\n"
        "store: {database: env:REPORT_DATABASE}\n"
    )
    assert report_usage(file, asked("key"), form="json") == 0
    monkeypatch.delenv("REPORT_DATABASE")
    assert report_usage(file, asked("key"), form="json") == 1
    assert "env:REPORT_DATABASE: the environment variable is not set" in capsys.readouterr().err


def test_a_database_that_is_not_there_is_not_made(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("KAIGATE_CONFIG", raising=False)
    monkeypatch.setenv("KAIGATE_DATABASE_URL", f"sqlite:///{tmp_path / 'none.db'}")
    assert report_usage(None, asked(), form="table") == 1
    assert "there is no database yet" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_database_of_something_else_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("KAIGATE_CONFIG", raising=False)
    (tmp_path / "empty.db").touch()
    monkeypatch.setenv("KAIGATE_DATABASE_URL", f"sqlite:///{tmp_path / 'empty.db'}")
    assert report_usage(None, asked(), form="table") == 1
    assert "was a gateway started with this database?" in capsys.readouterr().err


def test_a_configuration_that_is_refused_is_told(tmp_path, capsys):
    file = tmp_path / "gateway.yaml"
    file.write_text("stores: {}\n")
    assert report_usage(file, asked(), form="table") == 1
    assert "configuration refused" in capsys.readouterr().err
