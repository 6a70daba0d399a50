"""Reports over SQLite and PostgreSQL equal what one counts by hand."""

import datetime as dt
import itertools

import pytest

from kaigate.ledger.query import DIMENSIONS, Filters, Query
from kaigate.ledger.reports import Reports
from kaigate.ledger.rollup import day_of
from kaigate.ledger.sql import Ledger
from support.ledger_db import DIALECTS, migrated, usage_database
from support.usage_records import DAY_MS, NOON_MS, usage_record

FIRST, LAST = dt.date(2026, 2, 27), dt.date(2026, 3, 1)
RECORDS = [
    usage_record(
        id=f"r{number}",
        at_ms=NOON_MS - (number % 4) * DAY_MS,
        key_id=f"k{number % 3}",
        team=("ml", "")[number % 2],
        user=("", "ann", "=cmd")[number % 3],
        model=("gpt-5", "llama3")[number // 7 % 2],
        provider=("openai", "ollama")[number // 11 % 2],
        outcome=("ok", "ok", "blocked", "failed", "gone")[number % 5],
        nanodollars=number * 1_000_003,
        cached_tokens=number % 2,
    )
    for number in range(120)
]
FIELDS = {"key": "key_id", "team": "team", "user": "user", "model": "model", "provider": "provider"}


@pytest.fixture(scope="module", params=DIALECTS)
def url(request):
    return migrated(request.param)


@pytest.fixture
async def reports(url):
    async with usage_database(url) as db:
        for first in range(0, len(RECORDS), 13):
            await Ledger(db).store(RECORDS[first : first + 13])
        yield Reports(db)


def value(record, dimension):
    return day_of(record.at_ms) if dimension == "day" else getattr(record, FIELDS[dimension])


def by_hand(query):
    found = {}
    for record in RECORDS:
        if not query.since.isoformat() <= day_of(record.at_ms) <= query.until.isoformat():
            continue
        wanted = {name: getattr(query.filters, name) for name in FIELDS}
        if any(name is not None and value(record, field) != name for field, name in wanted.items()):
            continue
        found.setdefault(tuple(value(record, name) for name in query.group_by), []).append(record)
    return found


def check(report, query):
    expected = by_hand(query)
    assert {row.group for row in report.rows} == (set(expected) if query.group_by else set())
    for row in report.rows:
        compare(row.totals, expected[row.group])
    compare(report.totals, [record for records in expected.values() for record in records])


def compare(totals, records):
    assert totals.requests == len(records)
    for name in ("nanodollars", "input_tokens", "output_tokens", "cached_tokens"):
        assert getattr(totals, name) == sum(getattr(record, name) for record in records)
    for name in ("failed", "blocked", "gone"):
        assert getattr(totals, name) == sum(record.outcome == name for record in records)


async def test_every_combination_of_groups(reports):
    for count in range(len(DIMENSIONS) + 1):
        for groups in itertools.combinations(DIMENSIONS, count):
            query = Query(FIRST, LAST, groups)
            check(await reports.report(query), query)


@pytest.mark.parametrize(
    "filters",
    [
        Filters(key="k1"),
        Filters(team=""),
        Filters(user="=cmd", model="gpt-5"),
        Filters(provider="ollama", team="ml"),
        Filters(model="none"),
    ],
)
async def test_filters(reports, filters):
    query = Query(FIRST, LAST, ("day", "key"), filters)
    check(await reports.report(query), query)


async def test_rows_are_by_day_and_then_the_dearest_first(reports):
    rows = (await reports.report(Query(FIRST, LAST, ("key", "day")))).rows
    order = [(row.group[1], -row.totals.nanodollars) for row in rows]
    assert order == sorted(order)


async def test_a_cut_report_says_so_and_its_totals_are_whole(reports):
    query = Query(FIRST, LAST, ("key", "model"), limit=2)
    report = await reports.report(query)
    assert (len(report.rows), report.truncated) == (2, True)
    compare(report.totals, [record for records in by_hand(query).values() for record in records])


async def test_a_row_that_a_correction_emptied_is_not_shown(url):
    async with usage_database(url) as db:
        ledger = Ledger(db)
        await ledger.store([usage_record(provider="", estimated=True)])
        await ledger.store([usage_record(provider="openai")])
        rows = (await Reports(db).report(Query(FIRST, LAST, ("provider",)))).rows
        assert [row.group for row in rows] == [("openai",)]
