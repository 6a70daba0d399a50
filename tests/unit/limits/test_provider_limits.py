"""An upstream that has said it would refuse is left alone for as long as it said, and no longer."""

import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.limits import provider_limits
from kaigate.limits.provider_limits import MAX_WAIT_S, ProviderLimits, duration, refill_s
from support.clocks import ManualClock

NOON = 1_795_348_800.0  # 2026-11-22 12:00:00 UTC


def openai(remaining_requests="100", remaining_tokens="100000", reset_requests="6m0s", reset_tokens="60s"):
    return {
        "x-ratelimit-limit-requests": "100",
        "x-ratelimit-limit-tokens": "100000",
        "x-ratelimit-remaining-requests": remaining_requests,
        "x-ratelimit-remaining-tokens": remaining_tokens,
        "x-ratelimit-reset-requests": reset_requests,
        "x-ratelimit-reset-tokens": reset_tokens,
    }


def anthropic(kind, limit, remaining, reset):
    name = f"anthropic-ratelimit-{kind}"
    return {f"{name}-limit": limit, f"{name}-remaining": remaining, f"{name}-reset": reset}


def learned(headers, status=200):
    clock = ManualClock(NOON)
    limits = ProviderLimits(clock)
    limits.learn("gpt", status, headers)
    return limits, clock


@pytest.mark.parametrize(
    ("status", "headers", "tokens", "wait"),
    [
        (200, {}, 10**9, 0),
        (200, {"content-type": "application/json"}, 10, 0),
        (200, openai(), 100_000, 0),
        # Used up for a hundredth of six minutes: limits refill evenly.
        (200, openai(remaining_requests="0"), 1, 3.6),
        (200, openai(remaining_tokens="0", reset_tokens="60s"), 50_000, 30),
        (200, openai(remaining_tokens="40000", reset_tokens="36s"), 40_000, 0),
        (200, openai(remaining_tokens="40000", reset_tokens="36s"), 70_000, 18),
        # More than the limit can ever give goes when the limit is whole.
        (200, openai(remaining_tokens="0", reset_tokens="60s"), 10**9, 60),
        (200, {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "20ms"}, 1, 0.02),
        # Without a reset nothing is known.
        (200, {"x-ratelimit-remaining-requests": "0"}, 1, 0),
        (200, anthropic("requests", "50", "0", "2026-11-22T12:01:00Z"), 1, 1.2),
        (200, anthropic("tokens", "80000", "0", "2026-11-22T12:01:00+00:00"), 40_000, 30),
        (200, anthropic("input-tokens", "1000", "0", "2026-11-22T12:00:10Z"), 99_999, 0.01),
        (200, anthropic("input-tokens", "1000", "500", "2026-11-22T12:00:10Z"), 99_999, 0),
        (200, anthropic("output-tokens", "100", "0", "2026-11-22T14:00:10+02:00"), 1, 0.1),
        (200, anthropic("requests", "50", "0", "2026-11-22T11:59:00Z"), 1, 0),
        (429, {"retry-after": "7"}, 1, 7),
        (429, {"retry-after-ms": "350", "retry-after": "1"}, 1, 0.35),
        (503, {"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT"}, 1, 30),
        (529, {"retry-after": "5"}, 1, 5),
        (429, {"retry-after": "Sun, 22 Nov 2026 11:00:30 GMT"}, 1, 0),
        (429, {}, 1, 0),
        (500, {"retry-after": "7"}, 1, 0),
        (200, {"retry-after": "7"}, 1, 0),
        (429, {"retry-after": "5", **openai(remaining_requests="0", reset_requests="1000s")}, 1, 10),
    ],
)
def test_the_wait_that_an_answer_asks_for(status, headers, tokens, wait):
    limits, _ = learned(headers, status)
    assert limits.wait_s("gpt", tokens) == pytest.approx(wait, abs=1e-6)
    assert limits.wait_s("another", tokens) == 0


def test_the_wait_passes():
    limits, clock = learned(openai(remaining_tokens="0"))
    clock.advance(20)
    assert limits.wait_s("gpt", 50_000) == pytest.approx(10)
    clock.advance(10)
    assert limits.wait_s("gpt", 50_000) == 0
    assert limits.wait_s("gpt", 100_000) == pytest.approx(30)
    clock.advance(30)
    assert limits.wait_s("gpt", 100_000) == 0


def test_a_good_answer_ends_a_wait_and_an_error_does_not():
    limits, _ = learned({"retry-after": "60"}, 429)
    limits.learn("gpt", 500, {})
    assert limits.wait_s("gpt", 1) == 60
    limits.learn("gpt", 200, {})
    assert limits.wait_s("gpt", 1) == 0


def test_the_newest_answer_counts():
    limits, _ = learned(openai(remaining_requests="0"))
    limits.learn("gpt", 200, openai())
    assert limits.wait_s("gpt", 1) == 0


HOSTILE = [
    "-1", "1e9", "NaN", "inf", "0x10", "9" * 5000, "9" * 12, "٣", "1,000", "5, 6", " ", "", "\x00", "1h" * 5000,
    "9999999999s", "99999999d", "-6m0s", "6m-1s", "1.s", "....", "1_000", "2026-13-45T99:99:99Z",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+23:59", "Sun, 99 Nov 99999 99:99:99 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "W" * 10_000,
]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: value[:24])
def test_hostile_values_do_no_more_than_the_longest_wait(value):
    names = [family[position] for family in provider_limits._FAMILIES for position in (1, 2, 3)]
    for status in (200, 429):
        limits = ProviderLimits(ManualClock(NOON))
        limits.learn("gpt", status, dict.fromkeys((*names, "retry-after", "retry-after-ms"), value))
        for family in provider_limits._FAMILIES:
            good = {family.remaining: "0", family.limit: "10", family.reset: "10s"}
            for position in (1, 2, 3):
                limits.learn("gpt", status, {**good, family[position]: value})
        assert 0 <= limits.wait_s("gpt", 10**30) <= MAX_WAIT_S


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60), st.integers(0, 10**20))
def test_any_text_is_survived(remaining, limit, reset, tokens):
    limits = ProviderLimits(ManualClock(NOON))
    for family in provider_limits._FAMILIES:
        limits.learn("gpt", 429, {family.remaining: remaining, family.limit: limit, family.reset: reset})
        limits.learn("gpt", 429, {family.remaining: "0", "retry-after": reset, "retry-after-ms": limit})
    assert 0 <= limits.wait_s("gpt", tokens) <= MAX_WAIT_S


@given(st.integers(0, 10**6), st.integers(0, 10**6) | st.none(), st.floats(0, 600), st.integers(0, 10**7))
def test_the_refill_takes_no_longer_than_the_whole(remaining, limit, whole, needed):
    assert 0 <= refill_s(remaining, limit, whole, needed) <= whole + 1e-9


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("6m0s", 360), ("20ms", 0.02), ("1h2m3.5s", 3723.5), ("2m59.56s", 179.56), ("1.5", 1.5), ("500µs", 5e-4),
     ("0s", 0), ("5d", 86_400), ("7ns", 7e-9), ("5 s", None), ("s", None), ("", None), ("1m1", None)],
)  # fmt: skip
def test_a_duration_is_seconds(text, seconds):
    assert duration(text) == (seconds if seconds is None else pytest.approx(seconds))


def test_only_so_many_deployments_are_known(monkeypatch):
    monkeypatch.setattr(provider_limits, "MAX_DEPLOYMENTS", 3)
    limits = ProviderLimits(ManualClock(NOON))
    for number in range(10):
        limits.learn(f"d{number}", 429, {"retry-after": "9"})
    assert len(limits) == 3
    assert limits.wait_s("d9", 1) == 9
    assert limits.wait_s("d0", 1) == 0


def test_an_answer_without_such_headers_costs_next_to_nothing_and_leaves_no_trace():
    limits = ProviderLimits(ManualClock(NOON))
    headers = {f"x-header-{number}": "value" for number in range(20)}
    best = 1.0
    for _ in range(20):
        started = time.perf_counter()
        for _ in range(500):
            limits.learn("gpt", 200, headers)
        best = min(best, (time.perf_counter() - started) / 500)
    assert len(limits) == 0
    assert best < 10e-6 if sys.gettrace() else best < 2e-6
