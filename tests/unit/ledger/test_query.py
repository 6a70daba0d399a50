"""What can be asked."""

import datetime as dt

import pytest

from kaigate.ledger.query import MAX_ROWS, Query

DAY = dt.date(2026, 3, 1)


def test_one_day_is_a_range():
    assert Query(DAY, DAY).limit == MAX_ROWS


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"until": DAY - dt.timedelta(1)}, "later than the last"),
        ({"group_by": ("day", "day")}, "named twice"),
        ({"limit": 0}, "1 to 10000 rows"),
        ({"limit": MAX_ROWS + 1}, "1 to 10000 rows"),
    ],
)
def test_what_makes_no_sense_is_refused(changes, reason):
    with pytest.raises(ValueError, match=reason):
        Query(**{"since": DAY, "until": DAY, **changes})
