"""Reports for programs and spreadsheets."""

import csv
import datetime as dt
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.ledger.formats import to_csv, to_json
from kaigate.ledger.query import Query, Report, ReportRow
from kaigate.ledger.rollup import Sums

DAY = dt.date(2026, 3, 1)
TOTALS = Sums(requests=3, failed=1, blocked=1, nanodollars=1_500_000_001, input_tokens=10, output_tokens=5)


def report_of(*names, totals=TOTALS):
    groups = ("key",) if names else ()
    return Report(Query(DAY, DAY, groups), tuple(ReportRow((name,), totals) for name in names), totals, truncated=False)


def test_csv_has_a_header_and_exact_dollars():
    assert to_csv(report_of("k1")) == (
        "key,requests,failed,blocked,gone,estimated,input_tokens,output_tokens,cached_tokens,cost_usd\r\n"
        "k1,3,1,1,0,0,10,5,0,1.500000001\r\n"
    )


def test_without_groups_the_totals_are_the_row():
    assert to_csv(report_of()).splitlines()[1] == "3,1,1,0,0,10,5,0,1.500000001"


@pytest.mark.parametrize("first", "=+-@\t\r\n\uff1d\uff20")
def test_no_cell_is_a_formula(first):
    ((cell, *_),) = list(csv.reader(io.StringIO(to_csv(report_of(f"{first}cmd|' /C calc'!A0")), newline="")))[1:]
    assert cell == f"'{first}cmd|' /C calc'!A0"


@given(st.text(st.characters(exclude_characters="\0"), max_size=30))
def test_every_name_stays_in_its_cell(name):
    rows = list(csv.reader(io.StringIO(to_csv(report_of(name)), newline="")))
    assert len(rows) == 2
    assert rows[1][0] in {name, f"'{name}"}
    assert rows[1][1:] == ["3", "1", "1", "0", "0", "10", "5", "0", "1.500000001"]


def test_json_names_the_groups_and_keeps_money_exact():
    assert to_json(report_of("k1")) == {
        "object": "list",
        "from": "2026-03-01",
        "to": "2026-03-01",
        "group_by": ["key"],
        "data": [{"key": "k1", **NUMBERS}],
        "totals": NUMBERS,
        "truncated": False,
    }


NUMBERS = {
    "requests": 3,
    "failed": 1,
    "blocked": 1,
    "gone": 0,
    "estimated": 0,
    "input_tokens": 10,
    "output_tokens": 5,
    "cached_tokens": 0,
    "cost_usd": "1.500000001",
}
