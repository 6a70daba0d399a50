"""What a report asks of the database; its answers are in integration/ledger."""

import datetime as dt

import pytest

from kaigate.ledger.query import DIMENSIONS, Filters, Query
from kaigate.ledger.reports import _COLUMNS, _conditions, _grouped, _totals

DAY = dt.date(2026, 3, 1)


def test_every_dimension_has_its_column():
    assert set(_COLUMNS) == set(DIMENSIONS)
    assert set(Filters.__struct_fields__) == set(DIMENSIONS) - {"day"}


@pytest.mark.parametrize("name", Filters.__struct_fields__)
def test_a_filter_is_a_parameter(name):
    hostile = "x' OR '1'='1"
    query = Query(DAY, DAY, ("day",), Filters(**{name: hostile}))
    statement = _grouped(query, _conditions(query)).compile()
    assert hostile not in str(statement)
    assert hostile in statement.params.values()


def test_nothing_sums_up_to_zero():
    assert _totals((None,) * 9).requests == 0
