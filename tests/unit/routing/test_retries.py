"""Repetitions are a bounded share of the load, and come back spread out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.config.routing_settings import RetrySettings
from kaigate.routing.retries import RetryBudget, pause_s

SETTINGS = RetrySettings(budget_ratio=0.2, budget_reserve=3, backoff_s=0.2, max_backoff_s=1.0, max_retry_after_s=5.0)


def test_the_reserve_is_spent_once():
    budget = RetryBudget(SETTINGS)
    assert [budget.spend() for _ in range(5)] == [True, True, True, False, False]


@given(st.lists(st.booleans(), max_size=300))
def test_repetitions_never_exceed_their_share(steps):
    budget, requests, repeated = RetryBudget(SETTINGS), 0, 0
    for repeat in steps:
        if repeat:
            repeated += budget.spend()
        else:
            budget.earn()
            requests += 1
        assert repeated <= 3 + 0.2 * requests + 1e-6


def test_a_smaller_reserve_takes_what_was_saved():
    budget = RetryBudget(SETTINGS)
    budget.configure(RetrySettings(budget_ratio=0.0, budget_reserve=1))
    budget.earn()
    assert [budget.spend() for _ in range(2)] == [True, False]


@pytest.mark.parametrize(
    ("number", "jitter", "pause"),
    [(0, 0.0, 0.1), (0, 1.0, 0.2), (1, 1.0, 0.4), (2, 0.0, 0.4), (3, 1.0, 1.0), (30, 1.0, 1.0)],
)
def test_pauses_double_up_to_their_bound_and_half_of_each_is_random(number, jitter, pause):
    assert pause_s(SETTINGS, number, None, 60.0, lambda: jitter) == pytest.approx(pause)


@pytest.mark.parametrize(
    ("retry_after", "left_s", "pause"),
    [(0.0, 60.0, 0.2), (3.0, 60.0, 3.0), (5.0, 60.0, 5.0), (5.1, 60.0, None), (3.0, 2.9, None), (None, 0.1, None)],
)
def test_a_retry_after_is_honoured_within_its_bound_and_the_deadline(retry_after, left_s, pause):
    assert pause_s(SETTINGS, 0, retry_after, left_s, lambda: 1.0) == pause
