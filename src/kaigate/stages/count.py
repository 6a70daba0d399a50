"""Bounds the tokens of a request on the way in and meters the answer on the way out."""

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


class Count(Stage):
    """Refuses input beyond the model's ceiling, sets the output ceiling, and guarantees that usage is known."""

    def enter(self, exchange: Exchange) -> None:
        request, entry = exchange.request, exchange.entry
        if request is None or entry is None:
            return
        if entry.max_input_tokens is not None:
            exchange.input_tokens = check_ceiling(request, entry.max_input_tokens)
        asked, ceiling = request.max_output_tokens, entry.max_tokens
        exchange.output_ceiling = min(asked, ceiling) if asked is not None and ceiling is not None else asked or ceiling

    def filter(self, exchange: Exchange) -> EventFilter:
        return _Meter(exchange)


class _Meter:
    """Keeps the reported usage; counts text so that an answer without usage still gets an estimate."""

    __slots__ = ("_exchange", "_pieces", "_size")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._size = 0
        self._pieces = 0

    def feed(self, events: list[ChatEvent]) -> list[ChatEvent]:
        for position, event in enumerate(events):
            kind = type(event)
            if kind is TextDelta or kind is ReasoningDelta or kind is RefusalDelta:
                self._size += len(event.text)  # type: ignore[union-attr]
            elif kind is ToolCallDelta:
                self._size += len(event.arguments)  # type: ignore[union-attr]
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

    def estimate(self) -> Usage:
        exchange = self._exchange
        request = exchange.request
        input_tokens = exchange.input_tokens or (estimate(request) if request is not None else 0)
        usage = Usage(input_tokens, estimate_text(self._size), estimated=True)
        exchange.usage = usage
        return usage
