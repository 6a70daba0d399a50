import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.errors import LimitExceededError
from kaigate.keys.throttle import FailureThrottle, network_of


class HeldClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


def fails(throttle: FailureThrottle, address: str) -> float | None:
    """None where the failure is counted, else the seconds to wait."""
    try:
        throttle.failed(address)
    except LimitExceededError as error:
        return error.retry_after if error.code == "rate_limit_exceeded" else -1.0
    return None


def test_failures_beyond_the_bound_are_refused_with_a_wait():
    throttle = FailureThrottle(30, HeldClock())
    assert [fails(throttle, "192.0.2.1") for _ in range(30)] == [None] * 30
    assert fails(throttle, "192.0.2.1") == pytest.approx(2.0)


def test_the_announced_wait_is_true_even_for_a_client_that_keeps_trying():
    clock = HeldClock()
    throttle = FailureThrottle(30, clock)
    for _ in range(30):
        throttle.failed("192.0.2.1")
    waits = [fails(throttle, "192.0.2.1") for _ in range(1000)]
    assert waits[0] == waits[-1]
    clock.time += waits[0]
    assert fails(throttle, "192.0.2.1") is None
    assert fails(throttle, "192.0.2.1") is not None


def test_after_a_quiet_minute_the_whole_allowance_is_back():
    clock = HeldClock()
    throttle = FailureThrottle(5, clock)
    for _ in range(5):
        throttle.failed("192.0.2.1")
    clock.time += 60
    assert [fails(throttle, "192.0.2.1") for _ in range(5)] == [None] * 5


def test_addresses_are_counted_apart():
    throttle = FailureThrottle(1, HeldClock())
    assert fails(throttle, "192.0.2.1") is None
    assert fails(throttle, "192.0.2.2") is None
    assert fails(throttle, "192.0.2.1") is not None


def test_an_ipv6_host_cannot_multiply_its_allowance_within_its_network():
    throttle = FailureThrottle(3, HeldClock())
    outcomes = [fails(throttle, f"2001:db8::{n:x}") for n in range(1, 5)]
    assert [outcome is None for outcome in outcomes] == [True, True, True, False]
    assert fails(throttle, "2001:db8:0:1::1") is None


def test_memory_is_bounded_and_the_oldest_address_is_forgotten():
    throttle = FailureThrottle(1, HeldClock(), capacity=100)
    for n in range(1000):
        throttle.failed(f"10.0.{n // 256}.{n % 256}")
    assert len(throttle) == 100
    assert fails(throttle, "10.0.3.231") is not None
    assert fails(throttle, "10.0.0.0") is None


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("not:an:address", "not:an:address"),
        ("", ""),
    ],
)
def test_what_counts_as_one_client(address, network):
    assert network_of(address) == network


@given(st.integers(1, 50), st.lists(st.floats(0, 30), max_size=80))
def test_no_timing_gets_more_than_the_bound_through_in_a_minute(per_minute, gaps):
    clock = HeldClock()
    throttle = FailureThrottle(per_minute, clock)
    counted = []
    for gap in gaps:
        clock.time += gap
        counted.extend(clock.time for _ in range(5) if fails(throttle, "192.0.2.1") is None)
    for start in counted:
        within = sum(start <= moment < start + 60 for moment in counted)
        # A full bucket at once, and what leaks back within the minute.
        assert within <= 2 * per_minute
