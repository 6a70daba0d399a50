"""Daily sums."""

import pytest

from kaigate.ledger.rollup import Place, Sums, day_of, differences
from support.usage_records import DAY_MS, NOON_MS, usage_record

PLACE = Place("2026-03-01", "k1", "ml", "", "gpt-5", "openai")


@pytest.mark.parametrize(
    ("at_ms", "day"),
    [
        (0, "1970-01-01"),
        (NOON_MS, "2026-03-01"),
        (NOON_MS + DAY_MS // 2 - 1, "2026-03-01"),
        (NOON_MS + DAY_MS // 2, "2026-03-02"),
        (1_709_208_000_000, "2024-02-29"),
        (253_402_300_799_999, "9999-12-31"),
    ],
)
def test_a_day_is_of_utc(at_ms, day):
    assert day_of(at_ms) == day


def test_a_record_counts_where_it_says():
    ((place, _),) = differences([usage_record(user="ann")], [])
    assert place == Place("2026-03-01", "k1", "ml", "ann", "gpt-5", "openai")


@pytest.mark.parametrize(
    ("changes", "counted"),
    [
        ({}, {}),
        ({"outcome": "failed"}, {"failed": 1}),
        ({"outcome": "blocked"}, {"blocked": 1}),
        ({"outcome": "gone", "estimated": True}, {"gone": 1, "estimated": 1}),
        ({"cached_tokens": 7}, {"cached_tokens": 7}),
    ],
)
def test_what_a_record_adds(changes, counted):
    expected = {"requests": 1, "nanodollars": 1_500_000, "input_tokens": 100, "output_tokens": 20, **counted}
    ((_, sums),) = differences([usage_record(**changes)], [])
    assert sums == Sums(**expected)
    ((_, sums),) = differences([], [usage_record(**changes)])
    assert sums == Sums(**{name: -count for name, count in expected.items()})


def test_a_replacement_changes_the_difference_only():
    guess = usage_record(estimated=True, nanodollars=10, output_tokens=50)
    truth = usage_record(nanodollars=4, output_tokens=20)
    assert differences([truth], [guess]) == [(PLACE, Sums(estimated=-1, nanodollars=-6, output_tokens=-30))]
    assert differences([truth], [truth]) == []


def test_a_replacement_may_move_to_another_place():
    guess = usage_record(provider="", estimated=True)
    truth = usage_record(provider="openai")
    changes = dict(differences([truth], [guess]))
    assert {place.provider: sums.requests for place, sums in changes.items()} == {"": -1, "openai": 1}
