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
from kaigate.pipeline.stage import EventFilter, Stage
from kaigate.tokens.ceiling import check_ceiling
from kaigate.tokens.estimate import estimate, estimate_text
from kaigate.tokens.exact import ExactCounter

# Characters whose tokens are estimated; the rest of a long answer is taken to be like them.
_SAMPLE: Final = 2048
_TEXTS: Final = frozenset((TextDelta, ReasoningDelta, RefusalDelta))


class Count(Stage):
    """Refuses input beyond the model's ceiling, sets the output ceiling, and guarantees that usage is known.

    The smaller of the client's and the model's output ceiling is sent upstream.
    """

    def __init__(self, counter: Callable[[], ExactCounter | None]) -> None:
        """`counter` gives the exact counter, or None where there is none, or none yet."""
        self._counter = counter

    def enter(self, exchange: Exchange) -> None:
        request, entry = exchange.request, exchange.entry
        if request is None or entry is None:
            return
        if entry.max_input_tokens is not None:
            exchange.input_tokens = check_ceiling(request, entry.max_input_tokens, counter=self._counter())
        asked, ceiling = request.max_output_tokens, entry.max_tokens
        exchange.output_ceiling = min(asked, ceiling) if asked is not None and ceiling is not None else asked or ceiling

    def filter(self, exchange: Exchange) -> EventFilter:
        return _Meter(exchange)


class _Meter:
    """Keeps the reported usage; counts text so that an answer without usage still gets an estimate."""

    __slots__ = ("_exchange", "_sample", "_size")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._size = 0
        self._sample = ""

    def feed(self, events: list[ChatEvent]) -> list[ChatEvent]:
        if len(events) == 1 and type(events[0]) is TextDelta:
            self._add(events[0].text)
            return events
        for position, event in enumerate(events):
            kind = type(event)
            if kind in _TEXTS:
                self._add(event.text)  # type: ignore[union-attr]
            elif kind is ToolCallDelta:
                self._add(event.arguments)  # type: ignore[union-attr]
            elif kind is UsageReport:
                self._exchange.usage = event.usage  # type: ignore[union-attr]
            elif kind is End and self._exchange.usage is None:
                return [*events[:position], UsageReport(self.estimate()), *events[position:]]
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
