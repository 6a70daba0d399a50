import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.intervals import estimate, paired_difference, paired_ratio

SAMPLES = st.lists(st.floats(min_value=0.1, max_value=1e6), min_size=1, max_size=40)


@given(SAMPLES)
def test_the_interval_holds_the_median_and_stays_within_the_samples(samples: list[float]) -> None:
    found = estimate(samples)

    assert min(samples) <= found.low <= found.median <= found.high <= max(samples)
    assert found.rounds == len(samples)


def test_the_same_samples_give_the_same_interval() -> None:
    assert estimate([3.0, 1.0, 2.0, 5.0]) == estimate([3.0, 1.0, 2.0, 5.0])


def test_more_rounds_narrow_the_interval() -> None:
    few, many = estimate([1.0, 2.0, 3.0] * 3), estimate([1.0, 2.0, 3.0] * 30)

    assert many.high - many.low < few.high - few.low


def test_a_drift_that_both_sides_share_cancels_in_the_ratio() -> None:
    drift = [1.0, 1.5, 3.0, 0.7]

    found = paired_ratio([2.5 * speed for speed in drift], drift)

    assert (found.low, found.median, found.high) == pytest.approx((2.5, 2.5, 2.5))


def test_a_difference_is_formed_round_by_round() -> None:
    assert paired_difference([11.0, 22.0], [1.0, 12.0]).median == 10.0


@pytest.mark.parametrize("pair", [paired_ratio, paired_difference])
def test_rounds_that_do_not_pair_are_refused(pair: object) -> None:
    with pytest.raises(ValueError, match="zip"):
        pair([1.0, 2.0], [1.0])  # type: ignore[operator]


def test_no_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="no samples"):
        estimate([])
