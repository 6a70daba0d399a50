"""Bounds the tokens of a request on the way in and meters the answer on the way out."""

import math
from collections.abc import Callable
from typing import Final

from kaigate.chat.events import (
    ChatEvent,
    End,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from kaigate.chat.usage import Usage
from kaigate.pipeline.exchange import Exchange
from kaigate.pipeline.principal import UNLIMITED, Principal
from kaigate.pipeline.stage import EventFilter, Stage
from kaigate.tokens.ceiling import check_ceiling
from kaigate.tokens.estimate import estimate, estimate_text
from kaigate.tokens.exact import ExactCounter

# Characters whose tokens are estimated; the rest of a long answer is taken to be like them.
_SAMPLE: Final = 2048


def ceiling_of(caller: Principal | None, default: int | None) -> int | None:
    """The most input tokens that one request of this caller may have; `default` is for keys without a ceiling."""
    if caller is None or caller.master:
        return None
    own = caller.limits.max_input_tokens
    if own is None:
        own = default
    return None if own == UNLIMITED else own


def smaller(one: int | None, other: int | None) -> int | None:
    """The smaller of two ceilings, where None is none."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


class Count(Stage):
    """Refuses input beyond the model's ceiling, sets the output ceiling, and guarantees that usage is known.

    The smaller of the client's and the model's output ceiling is sent upstream.
    """

    def __init__(self, counter: Callable[[], ExactCounter | None], *, default_ceiling: int | None = None) -> None:
        """`counter` gives the exact counter, or None where there is none, or none yet.

        `default_ceiling` bounds the input tokens of keys that have no ceiling of their own.
        """
        self._counter = counter
        self._default = default_ceiling

    def enter(self, exchange: Exchange) -> None:
        request, entry = exchange.request, exchange.entry
        if request is None or entry is None:
            return
        ceiling = smaller(ceiling_of(exchange.principal, self._default), entry.max_input_tokens)
        if ceiling is not None:
            exchange.input_tokens = check_ceiling(request, ceiling, counter=self._counter())
        asked, most = request.max_output_tokens, entry.max_tokens
        exchange.output_ceiling = min(asked, most) if asked is not None and most is not None else asked or most

    def filter(self, exchange: Exchange) -> EventFilter:
        meter = _Meter(exchange)
        if exchange.reservation is not None:
            exchange.estimate = meter.estimate
        return meter


class _Meter:
    """Keeps the reported usage; counts text so that an answer without usage still gets an estimate."""

    __slots__ = ("_exchange", "_sample", "_size")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._size = 0
        self._sample = ""

    def feed(self, events: list[ChatEvent]) -> list[ChatEvent]:
        for event in events:
            # By exact type, which mypy can't follow: to ask for instances of struct classes costs many times as much.
            kind = type(event)
            if kind is TextDelta:
                self._add(event.text)  # type: ignore[union-attr]
            elif kind is UsageReport:
                self._exchange.usage = event.usage  # type: ignore[union-attr]
            elif kind is ToolCallDelta:
                self._add(event.arguments)  # type: ignore[union-attr]
            elif kind is ReasoningDelta or kind is RefusalDelta:
                self._add(event.text)  # type: ignore[union-attr]
        # The end comes last, and only once.
        if events and type(events[-1]) is End and self._exchange.usage is None:
            return [*events[:-1], UsageReport(self.estimate()), events[-1]]
        return events

    def flush(self) -> list[ChatEvent]:
        """A truncated answer is charged by estimate."""
        if self._exchange.usage is None:
            self.estimate()
        return []

    def _add(self, text: str) -> None:
        self._size += len(text)
        if len(self._sample) < _SAMPLE:
            self._sample += text[:_SAMPLE]

    def estimate(self) -> Usage:
        exchange = self._exchange
        request = exchange.request
        input_tokens = exchange.input_tokens or (estimate(request) if request is not None else 0)
        output_tokens = estimate_text(self._sample) * self._size / len(self._sample) if self._sample else 0
        usage = Usage(input_tokens, math.ceil(output_tokens), estimated=True)
        exchange.usage = usage
        return usage
