from datetime import UTC, datetime

import pytest
from msgspec import UNSET

from kaigate.cli.keys_open import key_change, limits_change, listed, moment_ms
from kaigate.keys.record import KeyChange, LimitsChange

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1d", datetime(2026, 1, 2, tzinfo=UTC)),
        ("2027-01-31T12:00:00Z", datetime(2027, 1, 31, 12, tzinfo=UTC)),
        ("2027-01-31T12:00+02:00", datetime(2027, 1, 31, 10, tzinfo=UTC)),
        ("2027-01-31", datetime(2027, 1, 31, tzinfo=UTC)),
    ],
)
def test_times(text, moment):
    assert moment_ms(text, NOW) == moment.timestamp() * 1000


@pytest.mark.parametrize("text", ["", "soon", "0d", "-1d", "99"])
def test_what_is_no_time(text):
    with pytest.raises(ValueError, match="--expires"):
        moment_ms(text, NOW)


def test_options_that_are_not_given_change_nothing():
    assert key_change({"models": None, "private_only": None, "budget_usd": None}) == KeyChange()
    assert limits_change({"rpm": 0}) == LimitsChange(rpm=0, budget=UNSET)
    assert key_change({"private_only": False}).private_only is False


def test_lists():
    assert listed("a, b,,c") == ("a", "b", "c")
