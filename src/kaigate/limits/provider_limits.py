"""An upstream's own limits, learned from its answers, so that a call that would be refused is not sent.

Sources: OpenAI "Rate limits in headers" (`x-ratelimit-*`, also Azure, Groq, Mistral and others; resets are durations
such as `6m0s`), Anthropic "Response headers" (`anthropic-ratelimit-*`, resets are RFC 3339 times), Azure
(`retry-after-ms`), RFC 9110 10.2.3 (`Retry-After`). What a header says is bounded and never trusted further: the worst
that an upstream can do is to be left alone for `MAX_WAIT_S`.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple

import msgspec

from kaigate.clock import Clock
from kaigate.transport.retry_after import retry_after, seconds_until

MAX_DEPLOYMENTS: Final = 4096
MAX_WAIT_S: Final = 600.0
"""A daily limit says more; asking again after this long costs one refused call."""
MAX_RESET_S: Final = 86_400.0
MAX_COUNT: Final = 10**15

Dimension = Literal["requests", "tokens", "input-tokens", "output-tokens"]

_MAX_CHARS: Final = 40
_OVERLOADED: Final = frozenset({429, 503, 529})
_PART: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ns|us|µs|ms|s|m|h|d)")
_DURATION: Final = re.compile(rf"(?:{_PART.pattern}){{1,6}}")
_NUMBER: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?")
_UNITS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


class _Family(NamedTuple):
    """The three headers of one dimension, and how its reset is read: text and Unix time to seconds from then."""

    dimension: Dimension
    remaining: str
    limit: str
    reset: str
    read: Callable[[str, float], float | None]


class _Reading(msgspec.Struct, frozen=True, gc=False):
    """What an answer said of one dimension and when, in monotonic seconds and in Unix time.

    Limit and reset stay as they were sent: they are read only when too little remains, which is seldom.
    """

    family: _Family
    remaining: int
    limit: str
    reset: str
    learned_at: float
    learned_unix: float

    def wait(self, needed: int, now: float) -> float:
        if self.remaining >= needed:
            return 0.0
        span = self.family.read(self.reset, self.learned_unix)
        if span is None:
            return 0.0
        limit = _count(self.limit)
        return max(0.0, refill_s(self.remaining, limit, span, needed) - (now - self.learned_at))


class _State:
    __slots__ = ("blocked_until", "readings")

    def __init__(self) -> None:
        self.readings: dict[Dimension, _Reading] = {}
        self.blocked_until = 0.0


class ProviderLimits:
    """The known limits of each deployment, under a key of the caller's choice; the oldest are forgotten first."""

    __slots__ = ("_clock", "_states")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._states: dict[str, _State] = {}

    def __len__(self) -> int:
        return len(self._states)

    def learn(self, key: str, status: int, headers: Mapping[str, str]) -> None:
        """Take in an answer's head; `headers` have lower-case names. What is malformed is passed over."""
        for family in _FAMILIES:
            if family.remaining in headers:
                self._read(key, family, headers)
        if status in _OVERLOADED:
            delay = retry_after(headers, now=self._clock.now(), most=MAX_WAIT_S)
            if delay is not None:
                self._state(key).blocked_until = self._clock.monotonic() + delay
        elif status < 400 and (state := self._states.get(key)) is not None:
            state.blocked_until = 0.0

    def wait_s(self, key: str, tokens: int) -> float:
        """Seconds until a call of at most so many tokens makes sense, 0 when it may go, at most `MAX_WAIT_S`."""
        state = self._states.get(key)
        if state is None:
            return 0.0
        now = self._clock.monotonic()
        wait = max(0.0, state.blocked_until - now)
        for dimension, reading in state.readings.items():
            # How the tokens divide into input and output is not known here: those limits stop calls when used up.
            wait = max(wait, reading.wait(tokens if dimension == "tokens" else 1, now))
        return min(wait, MAX_WAIT_S)

    def _read(self, key: str, family: _Family, headers: Mapping[str, str]) -> None:
        remaining = _count(headers[family.remaining])
        limit, reset = headers.get(family.limit, ""), headers.get(family.reset, "")
        if remaining is None or len(limit) > _MAX_CHARS or len(reset) > _MAX_CHARS:
            return
        clock = self._clock
        reading = _Reading(family, remaining, limit, reset, clock.monotonic(), clock.now())
        self._state(key).readings[family.dimension] = reading

    def _state(self, key: str) -> _State:
        state = self._states.get(key)
        if state is None:
            if len(self._states) >= MAX_DEPLOYMENTS:
                del self._states[next(iter(self._states))]
            state = self._states[key] = _State()
        return state


def refill_s(remaining: int, limit: int | None, whole_s: float, needed: int) -> float:
    """Seconds until so much is left of a limit that is whole in `whole_s`.

    Limits refill evenly (OpenAI, Anthropic: token buckets); one that is asked for more than all of it gives all.
    """
    if limit is None:
        return whole_s
    missing = min(needed, limit) - remaining
    return whole_s * missing / (limit - remaining) if missing > 0 else 0.0


def duration(text: str, _now: float = 0.0) -> float | None:
    """Seconds of `6m0s`, `20ms`, `1.5` or the like, at most `MAX_RESET_S`; None for anything else."""
    if len(text) > _MAX_CHARS:
        return None
    if _NUMBER.fullmatch(text):
        return min(float(text), MAX_RESET_S)
    if not _DURATION.fullmatch(text):
        return None
    return min(sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text)), MAX_RESET_S)


def _until(text: str, now: float) -> float | None:
    return seconds_until(text, now, datetime.fromisoformat, MAX_RESET_S)


def _count(text: str) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_CHARS):
        return None
    return min(int(text), MAX_COUNT)


def _openai(dimension: Dimension) -> _Family:
    remaining, limit, reset = (f"x-ratelimit-{what}-{dimension}" for what in ("remaining", "limit", "reset"))
    return _Family(dimension, remaining, limit, reset, duration)


def _anthropic(dimension: Dimension) -> _Family:
    remaining, limit, reset = (f"anthropic-ratelimit-{dimension}-{what}" for what in ("remaining", "limit", "reset"))
    return _Family(dimension, remaining, limit, reset, _until)


_FAMILIES: Final = (
    _openai("requests"),
    _openai("tokens"),
    _anthropic("requests"),
    _anthropic("tokens"),
    _anthropic("input-tokens"),
    _anthropic("output-tokens"),
)
