"""Budget windows around the ends of months and years."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.limits.budget_window import DAY_MS, budget_window


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("spec", "now", "name", "end"),
    [
        ("day", "2026-03-01T00:00:00", "day-2026-03-01", "2026-03-02"),
        ("day", "2026-12-31T23:59:59.999", "day-2026-12-31", "2027-01-01"),
        ("month", "2024-02-29T12:00:00", "month-2024-02-01", "2024-03-01"),
        ("month", "2023-02-28T23:59:59.999", "month-2023-02-01", "2023-03-01"),
        ("month", "2026-12-31T23:59:59.999", "month-2026-12-01", "2027-01-01"),
        ("month", "2100-02-28T23:59:59.999", "month-2100-02-01", "2100-03-01"),
        ("month", "2026-01-31T00:00:00", "month-2026-01-01", "2026-02-01"),
        ("week", "2026-03-01T12:00:00", "week-2026-02-23", "2026-03-02"),
        ("week", "2026-03-02T00:00:00", "week-2026-03-02", "2026-03-09"),
        ("week", "2027-01-01T00:00:00", "week-2026-12-28", "2027-01-04"),
        ("1d", "2026-03-01T05:00:00", "1d-2026-03-01", "2026-03-02"),
        ("30d", "1970-01-30T23:59:59.999", "30d-1970-01-01", "1970-01-31"),
        ("30d", "1970-01-31T00:00:00", "30d-1970-01-31", "1970-03-02"),
        ("7d", "2026-03-02T00:00:00", "7d-2026-02-26", "2026-03-05"),
    ],
)
def test_the_window_of_a_moment(spec, now, name, end):
    assert budget_window(spec, ms(now)) == (name, ms(end))


SPECS = st.one_of(st.sampled_from(["day", "week", "month"]), st.integers(1, 999).map(lambda days: f"{days}d"))


@given(SPECS, st.integers(0, ms("2200-01-01T00:00:00")))
def test_windows_follow_each_other_without_a_gap(spec, now_ms):
    name, end_ms = budget_window(spec, now_ms)
    assert now_ms < end_ms
    begin = datetime.fromisoformat(name[len(spec) + 1 :]).replace(tzinfo=UTC)
    assert begin <= datetime.fromtimestamp(now_ms / 1000, UTC) + timedelta(milliseconds=1)
    assert budget_window(spec, round(begin.timestamp() * 1000)) == (name, end_ms)
    assert budget_window(spec, end_ms - 1) == (name, end_ms)
    following, following_end_ms = budget_window(spec, end_ms)
    assert following == f"{spec}-{datetime.fromtimestamp(end_ms / 1000, UTC):%Y-%m-%d}"
    assert following_end_ms > end_ms
    assert end_ms % DAY_MS == 0


@pytest.mark.parametrize("spec", ["", "d", "0d", "-1d", "year", "30", "1.5d", "٣d", " 3d", "3dd"])
def test_another_spec_is_an_error(spec):
    with pytest.raises(ValueError):
        budget_window(spec, 0)
