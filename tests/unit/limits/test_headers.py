"""Rate-limit headers."""

import pytest

from kaigate.limits.bounds import Terms
from kaigate.limits.headers import duration, rate_limit_lines
from kaigate.limits.model import Bound, Standing, Verdict


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0ms"),
        (17, "17ms"),
        (999, "999ms"),
        (1000, "1s"),
        (1500, "1.5s"),
        (7660, "7.66s"),
        (59_001, "59.001s"),
        (60_000, "1m0s"),
        (360_000, "6m0s"),
        (61_020, "1m1.02s"),
        (3_600_000, "1h0m0s"),
        (90_061_000, "25h1m1s"),
    ],
)
def test_durations_are_written_as_openai_does(milliseconds, text):
    assert duration(milliseconds) == text


def test_the_tightest_bound_of_each_kind_is_told():
    bounds = (
        Bound("key:a", "requests", 60),
        Bound("key:a", "budget", 10),
        Bound("team:t", "requests", 1000),
        Bound("team:t", "tokens", 5000),
        Bound("model:m", "requests", 2000),
    )
    standings = (Standing(59, 60_000), Standing(1, 1), Standing(0, 250), Standing(4000, 1500), Standing(7, 7))
    assert rate_limit_lines(Terms.of(bounds, 0.8), Verdict(-1, 0, standings)).splitlines(keepends=True) == [
        b"x-ratelimit-limit-requests: 1000\r\n",
        b"x-ratelimit-remaining-requests: 0\r\n",
        b"x-ratelimit-reset-requests: 250ms\r\n",
        b"x-ratelimit-limit-tokens: 5000\r\n",
        b"x-ratelimit-remaining-tokens: 4000\r\n",
        b"x-ratelimit-reset-tokens: 1.5s\r\n",
    ]


def test_where_nothing_was_counted_nothing_is_told():
    assert rate_limit_lines(Terms.of((Bound("key:a", "requests", 60),), 0.8), Verdict(-1, 0, ())) == b""
    assert rate_limit_lines(Terms.of((Bound("key:a", "budget", 60),), 0.8), Verdict(-1, 0, (Standing(1, 1),))) == b""
