"""The two dialects do the same to the same columns."""

import pytest

from kaigate.ledger.record import UsageRecord
from kaigate.ledger.statements import INSERT, INSERT_ONE, PRESENT, STATEMENTS
from kaigate.store.sql.usage_tables import usage_daily, usage_records


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        (str(INSERT), usage_records),
        (INSERT_ONE, usage_records),
        *((str(each.add), usage_daily) for each in STATEMENTS.values()),
    ],
)
def test_every_column_is_written(statement, table):
    listed = statement.partition("(")[2].partition(")")[0]
    assert [column.strip() for column in listed.split(",")] == list(table.c.keys())


def test_a_single_record_has_a_value_for_every_field_in_its_order():
    assert INSERT_ONE.count("?") == len(UsageRecord.__struct_fields__)
    names = ["end_user" if name == "user" else name for name in UsageRecord.__struct_fields__]
    assert names == list(usage_records.c.keys())


def test_values_are_parameters():
    found = [each for statements in STATEMENTS.values() for each in (statements.take, statements.add)]
    for statement in (INSERT, PRESENT, *found):
        assert len(statement.compile().params) == 1
