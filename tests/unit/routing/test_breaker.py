"""A breaker leaves alone what fails, and lets one request at a time find out whether it is well."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.config.routing_settings import BreakerSettings
from kaigate.routing.breaker import MIN_PROBE_S, Breaker

SETTINGS = BreakerSettings(failures=3, ratio=0.5, window_s=10.0, min_requests=4, open_s=10.0)


def breaker(jitter: float = 0.5, settings: BreakerSettings = SETTINGS) -> Breaker:
    return Breaker(settings, lambda: jitter)


def opened(jitter: float = 0.5) -> Breaker:
    made = breaker(jitter)
    for _ in range(3):
        made.failed(0.0)
    return made


def test_it_opens_at_so_many_failures_in_a_row():
    made = breaker()
    for _ in range(2):
        made.failed(0.0)
    made.succeeded(0.0)
    for _ in range(2):
        made.failed(11.0)
    assert made.state == "closed"
    made.failed(11.0)
    assert made.state == "open"
    assert not made.admit(11.0)


def test_it_opens_at_a_share_of_failures():
    made = breaker()
    for failed in (False, True, False, True):
        assert made.state == "closed"
        made.failed(0.0) if failed else made.succeeded(0.0)
    assert made.state == "open"


def test_the_share_is_counted_in_a_window():
    made = breaker()
    made.failed(0.0)
    made.succeeded(0.0)
    made.failed(1.0)
    for _ in range(2):
        made.succeeded(10.0)
    made.failed(10.0)
    assert made.state == "closed"


@pytest.mark.parametrize(("jitter", "open_s"), [(0.0, 8.0), (0.5, 10.0), (1.0, 12.0)])
def test_it_stays_open_for_its_time_give_or_take_a_fifth(jitter, open_s):
    made = opened(jitter)
    assert made.wait_s(0.0) == pytest.approx(open_s)
    assert not made.admit(open_s - 0.01)
    assert made.admit(open_s)


def test_one_request_probes_and_its_success_closes():
    made = opened()
    assert made.admit(10.0)
    assert made.state == "half_open"
    assert not made.admit(10.0)
    assert 0 < made.wait_s(10.0) <= 10.0
    made.succeeded(11.0)
    assert (made.state, made.wait_s(11.0)) == ("closed", 0.0)
    assert made.admit(11.0)


def test_a_probe_that_fails_opens_it_again():
    made = opened()
    made.admit(10.0)
    made.failed(11.0)
    assert made.state == "open"
    assert made.wait_s(11.0) == pytest.approx(10.0)


def test_a_probe_that_says_nothing_gives_its_place_up():
    made = opened()
    made.admit(10.0)
    made.released(11.0)
    assert made.admit(11.0)
    assert not made.admit(11.0)
    assert made.admit(11.0 + MIN_PROBE_S)


def test_requests_from_before_it_opened_change_nothing():
    made = opened()
    made.succeeded(1.0)
    made.failed(1.0)
    assert made.state == "open"
    assert made.wait_s(1.0) == pytest.approx(9.0)


def test_who_knows_that_it_is_well_may_hurry_it():
    made = opened()
    made.hurry(1.0)
    assert made.admit(1.0)
    assert not made.admit(1.0)


def test_switched_off_it_never_opens():
    made = breaker(settings=BreakerSettings(enabled=False, failures=1))
    for _ in range(100):
        made.failed(0.0)
    assert made.admit(0.0)


@given(st.lists(st.tuples(st.sampled_from(["admit", "ok", "fail", "release"]), st.floats(0, 30)), max_size=60))
def test_whatever_happens_it_admits_again(steps):
    made, now = breaker(), 0.0
    for step, pause in steps:
        now += pause
        if step == "admit":
            made.admit(now)
        elif step == "ok":
            made.succeeded(now)
        elif step == "fail":
            made.failed(now)
        else:
            made.released(now)
        assert 0 <= made.wait_s(now) <= 12.0
    assert made.admit(now + MIN_PROBE_S)
