"""The bounded map of counters."""

import pytest

from kaigate.limits.model import StoreError
from kaigate.limits.scopes import Scopes
from kaigate.limits.window import Window


def busy(at_ms: int) -> Window:
    window = Window(100)
    window.add(1, at_ms)
    return window


def test_a_new_counter_is_not_forgotten_within_its_step():
    scopes: Scopes[Window] = Scopes(10)
    kept = scopes.add(("a",), Window(100))
    scopes.add(("b",), Window(100))
    assert scopes.get(("a",)) is kept
    scopes.tidy(0)
    assert len(scopes) == 0


def test_idle_counters_stay_fewer_than_those_that_are_added():
    scopes: Scopes[Window] = Scopes(10_000)
    for number in range(10_000):
        scopes.tidy(number)
        scopes.add((number,), busy(number))
    assert len(scopes) < 300


def test_a_full_map_makes_room_as_soon_as_one_is_idle():
    scopes: Scopes[Window] = Scopes(3)
    for number in range(3):
        scopes.add((number,), busy(number))
    for now_ms in (0, 50, 99):
        scopes.tidy(now_ms)
        with pytest.raises(StoreError):
            scopes.add(("x",), busy(now_ms))
    scopes.tidy(100)
    scopes.add(("x",), busy(100))
    assert len(scopes) == 3
