"""Each strategy puts deployments in its own order, and never loses one."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kaigate.config.routing_settings import BreakerSettings
from kaigate.routing.health import HealthBook
from kaigate.routing.ordering import Ordering
from support.clocks import ManualClock
from support.exchanges import deployment

ALL = tuple(deployment(name) for name in "abcd")
UNKNOWN = {"a": 30, "b": None, "c": 10, "d": 20}


@pytest.fixture
def health():
    return HealthBook(ManualClock(), BreakerSettings(enabled=False))


def ordered(health, strategy, deployments=ALL, *, seed=0, prices=UNKNOWN, stream=True):
    made = Ordering(health, Random(seed)).ordered(
        strategy, deployments, lambda item: prices[item.provider.name], stream=stream
    )
    return "".join(item.provider.name for item in made)


def test_ordered_is_the_files_order(health):
    assert ordered(health, "ordered") == "abcd"


def test_cheapest_puts_what_has_no_known_price_last(health):
    assert ordered(health, "cheapest") == "cdab"


def test_equal_prices_keep_the_files_order(health):
    assert ordered(health, "cheapest", prices=dict.fromkeys("abcd", 1)) == "abcd"


def test_weights_are_shares(health):
    weighted = [replace(item, weight=weight) for item, weight in zip(ALL, (1, 2, 3, 4), strict=True)]
    first = Counter(ordered(health, "weighted", weighted, seed=seed)[0] for seed in range(4000))
    for name, share in zip("abcd", (0.1, 0.2, 0.3, 0.4), strict=True):
        assert first[name] / 4000 == pytest.approx(share, abs=0.03)


def test_the_worst_of_two_random_ones_never_comes_first(health):
    for item, seconds in zip(ALL, (0.4, 0.3, 0.2, 0.1), strict=True):
        health.succeeded(item, seconds, stream=True)
    orders = Counter(ordered(health, "fastest", seed=seed) for seed in range(600))
    first = Counter(order[0] for order in orders.elements())
    assert first["a"] == 0
    assert first["d"] > first["c"] > first["b"] > 0, "half, a third, a sixth"
    assert {order[1:] for order in orders if order[0] == "d"} == {"cba"}


def test_a_deployment_that_fails_loses_to_a_slower_one(health):
    fast, slow = ALL[:2]
    health.succeeded(fast, 0.1, stream=True)
    health.succeeded(slow, 0.2, stream=True)
    assert ordered(health, "fastest", (fast, slow)) == "ab"
    health.failed(fast)
    assert ordered(health, "fastest", (fast, slow)) == "ba"


@given(
    st.sampled_from(["ordered", "weighted", "cheapest", "fastest"]),
    st.integers(0, 4),
    st.integers(0, 1000),
    st.booleans(),
)
def test_no_strategy_loses_or_doubles_anybody(strategy, count, seed, stream):
    book = HealthBook(ManualClock())
    assert sorted(ordered(book, strategy, ALL[:count], seed=seed, stream=stream)) == list("abcd"[:count])
