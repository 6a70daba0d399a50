"""The two dialects do the same to the same columns."""

import pytest

from kaigate.ledger.statements import STATEMENTS
from kaigate.store.sql.usage_tables import usage_daily, usage_records


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize(("name", "table"), [("insert", usage_records), ("add", usage_daily)])
def test_every_column_is_written(dialect, name, table):
    statement = str(getattr(STATEMENTS[dialect], name))
    listed = statement.partition("(")[2].partition(")")[0]
    assert [column.strip() for column in listed.split(",")] == list(table.c.keys())


@pytest.mark.parametrize("name", ["insert", "take", "add"])
def test_values_are_parameters(name):
    for statements in STATEMENTS.values():
        assert len(getattr(statements, name).compile().params) == 1
