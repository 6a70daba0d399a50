"""Dollars become nano-dollars and back without losing any."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.money import MAX_USD, NANO, from_usd, to_usd


@pytest.mark.parametrize(
    ("amount", "nanodollars"),
    [
        ("10", 10 * NANO),
        (0.1, 100_000_000),
        ("0.000000001", 1),
        (Decimal("-2.5"), -2_500_000_000),
        ("1e-3", 1_000_000),
        (MAX_USD, MAX_USD * NANO),
        (0, 0),
        ("0.10000000000000000000000000000000000000", 100_000_000),
    ],
)
def test_an_amount_is_exact(amount, nanodollars):
    assert from_usd(amount) == nanodollars


@pytest.mark.parametrize(
    "amount",
    [
        *("", "ten", "NaN", "sNaN", "Infinity", "-inf", "1e99", 10**12, "1" * 5000, "1e999999999", "-1e999999999"),
        *("0.0000000001", "1e-999999999", "1.0000000000000000000000000000000001", 0.1 + 0.2),
    ],
)
def test_what_is_no_amount_is_refused(amount):
    with pytest.raises(ValueError):
        from_usd(amount)


@pytest.mark.parametrize(
    ("nanodollars", "places", "text"),
    [
        (123_000, 9, "0.000123"),
        (0, 9, "0"),
        (10 * NANO, 9, "10"),
        (100 * NANO, 2, "100"),
        (1_005_000_000, 2, "1"),
        (1_015_000_000, 2, "1.02"),
        (-1, 9, "-0.000000001"),
        (1, 6, "0"),
    ],
)
def test_dollars_are_written_without_trailing_zeros(nanodollars, places, text):
    assert to_usd(nanodollars, places) == text


@given(st.integers(-MAX_USD * NANO, MAX_USD * NANO))
def test_every_amount_survives_the_way_there_and_back(nanodollars):
    assert from_usd(to_usd(nanodollars)) == nanodollars
