"""Rate-limit headers."""

import pytest

from kaigate.limits.headers import duration, rate_limit_headers
from kaigate.limits.model import Bound, Standing, Verdict


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, b"0ms"),
        (17, b"17ms"),
        (999, b"999ms"),
        (1000, b"1s"),
        (1500, b"1.5s"),
        (7660, b"7.66s"),
        (59_001, b"59.001s"),
        (60_000, b"1m0s"),
        (360_000, b"6m0s"),
        (61_020, b"1m1.02s"),
        (3_600_000, b"1h0m0s"),
        (90_061_000, b"25h1m1s"),
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
    assert rate_limit_headers(bounds, Verdict(-1, 0, standings)) == [
        (b"x-ratelimit-limit-requests", b"1000"),
        (b"x-ratelimit-remaining-requests", b"0"),
        (b"x-ratelimit-reset-requests", b"250ms"),
        (b"x-ratelimit-limit-tokens", b"5000"),
        (b"x-ratelimit-remaining-tokens", b"4000"),
        (b"x-ratelimit-reset-tokens", b"1.5s"),
    ]


def test_where_nothing_was_counted_nothing_is_told():
    assert rate_limit_headers((Bound("key:a", "requests", 60),), Verdict(-1, 0, ())) == []
    assert rate_limit_headers((Bound("key:a", "budget", 60),), Verdict(-1, 0, (Standing(1, 1),))) == []
