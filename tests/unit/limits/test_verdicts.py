"""The words that both stores answer in."""

from kaigate.limits.model import Ask, Bound, Standing
from kaigate.limits.verdicts import standing, weight_of


def test_what_an_ask_takes_of_each_kind():
    ask = Ask("a", (), 7, 9, 0, b"")
    kinds = ("requests", "tokens", "parallel", "budget")
    assert [weight_of(ask, Bound("key:a", kind, 1)) for kind in kinds] == [1, 7, 1, 9]


def test_nothing_is_left_of_what_was_taken_beyond_the_limit():
    assert standing(Bound("key:a", "tokens", 5), 8, -3) == Standing(0, 0)
    assert standing(Bound("key:a", "tokens", 5), 3, 4) == Standing(2, 4)
