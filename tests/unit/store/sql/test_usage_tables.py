"""The tables of usage and the bounds of what is written into them belong together."""

import msgspec
import pytest

from kaigate.ledger.record import UsageRecord
from kaigate.ledger.rollup import Place, Sums
from kaigate.store.sql.usage_tables import usage_daily, usage_records

_WIDTHS = {
    field.name: field.type.max_length
    for field in msgspec.inspect.type_info(UsageRecord).fields
    if isinstance(field.type, msgspec.inspect.StrType)
}


def columns_of(*structs):
    return [{"user": "end_user"}.get(name, name) for struct in structs for name in struct.__struct_fields__]


def test_every_field_of_a_record_has_its_column():
    assert set(usage_records.c.keys()) == set(columns_of(UsageRecord))


def test_daily_sums_have_the_columns_of_their_structs_in_that_order():
    assert list(usage_daily.c.keys()) == columns_of(Place, Sums)
    assert [column.name for column in usage_daily.primary_key] == columns_of(Place)


@pytest.mark.parametrize("name", _WIDTHS)
def test_a_column_is_as_wide_as_what_is_accepted(name):
    column = {"user": "end_user"}.get(name, name)
    assert _WIDTHS[name] is not None
    assert usage_records.c[column].type.length == _WIDTHS[name]
    if column in usage_daily.c:
        assert usage_daily.c[column].type.length == _WIDTHS[name]
