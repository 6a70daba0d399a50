"""The counters of one budget window."""

from kaigate.limits.budget import GRACE_MS, Budget, closed
from kaigate.limits.verdicts import NEVER


def test_spent_and_reserved_count_together():
    budget = Budget(1000)
    budget.spent, budget.reserved = 60, 30
    assert [budget.refusal_ms(100, weight, 400) for weight in (10, 11, 100, 101)] == [0, 600, 600, NEVER]
    assert budget.refusal_ms(100, 11, 5000) == 1
    budget.settle(30, 5)
    assert (budget.spent, budget.reserved, budget.used) == (65, 0, 65)
    budget.correct(5, 1)
    assert budget.used == 61


def test_no_counter_becomes_negative():
    budget = Budget(1000)
    budget.settle(50, 0)
    budget.correct(50, 3)
    assert (budget.spent, budget.reserved) == (0, 0)


def test_a_counter_outlives_its_window_by_a_grace():
    assert not closed(1000, 1000 + GRACE_MS - 1)
    assert closed(1000, 1000 + GRACE_MS)
    assert Budget(1000).idle(1000 + GRACE_MS)
