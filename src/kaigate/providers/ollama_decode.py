"""Decoder for answers of Ollama's `POST /api/chat`: one JSON object per line, the last with `done: true`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from kaigate.chat.events import (
    ChatEvent,
    End,
    Finish,
    FinishReason,
    Frame,
    LogprobsDelta,
    ReasoningDelta,
    Start,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from kaigate.chat.usage import Usage
from kaigate.errors import UpstreamFailedError
from kaigate.providers.failures import stream_failure
from kaigate.providers.framing import decode_each
from kaigate.transport.errors import TransportError
from kaigate.transport.ndjson import NdjsonDecoder

MAX_LINE_BYTES: Final = 64 * 1024 * 1024
MAX_TOOL_CALLS: Final = 1024

_FINISH: Final[Mapping[str, FinishReason]] = {"stop": "stop", "length": "length", "": "stop"}
"""Older servers send no reason; `load` and `unload` answer requests without messages, which are never sent."""


class _Function(msgspec.Struct, gc=False):
    name: str
    arguments: dict[str, Any] | None = None


class _ToolCall(msgspec.Struct, gc=False):
    function: _Function
    id: str | None = None


class _Message(msgspec.Struct, gc=False):
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Line(msgspec.Struct, gc=False):
    """One line; keys that are not here reach nobody."""

    model: str = ""
    created_at: str = ""
    message: _Message | None = None
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    logprobs: list[dict[str, Any]] | None = None
    error: Any = None


_LINE: Final = msgspec.json.Decoder(_Line)
_encode: Final = msgspec.json.Encoder().encode


class OllamaDecoder:
    """Decodes one answer, streamed or complete: a complete one is a single line. Never exact, so never relayed."""

    def __init__(self, *, answer_id: str, model: str) -> None:
        self._answer_id: Final = answer_id
        self._model: Final = model
        self._lines = NdjsonDecoder(MAX_LINE_BYTES)
        self._started = False
        self._calls = 0
        self._done = False

    def feed(self, data: bytes) -> list[Frame]:
        """Frames completed by these bytes; raises `UpstreamFailedError` on what it does not understand."""
        try:
            lines = self._lines.feed(data)
        except TransportError:
            raise UpstreamFailedError("upstream_error", "The model server's answer has an oversized line.") from None
        return decode_each((line for line in lines if not self._done), self._frame)

    def end(self) -> list[Frame]:
        """The line that no line end followed; raises `UpstreamFailedError` without `done: true`."""
        rest = self._lines.end().strip()
        frames = [self._frame(rest)] if rest and not self._done else []
        if not self._done:
            raise UpstreamFailedError("upstream_error", "The model server's answer ended before it was complete.")
        return frames

    def _frame(self, raw: bytes) -> Frame:
        try:
            line = _LINE.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise UpstreamFailedError(
                "upstream_error", "The model server's answer has a line whose shape is not known."
            ) from None
        if line.error is not None:
            raise stream_failure(line.error)
        if line.message is None and not line.done:
            raise UpstreamFailedError("upstream_error", "The model server's answer has a line without a message.")
        events: list[ChatEvent] = []
        if not self._started:
            self._started = True
            events.append(Start(self._answer_id, line.model or self._model, _seconds(line.created_at)))
        if line.message is not None:
            self._add_message(events, line.message)
        if line.logprobs:
            events.append(LogprobsDelta(line.logprobs))
        if line.done:
            self._done = True
            events.extend(self._terminal(line))
        return Frame(events, raw)

    def _add_message(self, events: list[ChatEvent], message: _Message) -> None:
        if message.thinking:
            events.append(ReasoningDelta(message.thinking))
        if message.content:
            events.append(TextDelta(message.content))
        for call in message.tool_calls or ():
            index = self._calls
            if index >= MAX_TOOL_CALLS:
                raise UpstreamFailedError("upstream_error", "The model server's answer has too many tool calls.")
            self._calls += 1
            call_id = call.id or f"call_{self._answer_id}_{index}"
            events.append(ToolCallStart(index, call_id, call.function.name))
            events.append(ToolCallDelta(index, _encode(call.function.arguments or {}).decode()))

    def _terminal(self, line: _Line) -> list[ChatEvent]:
        reason = _FINISH.get(line.done_reason or "")
        if reason is None:
            raise UpstreamFailedError("upstream_error", "The model server ended its answer for an unknown reason.")
        if self._calls and reason == "stop":
            reason = "tool_calls"
        events: list[ChatEvent] = [Finish(reason)]
        # A count that is absent is unknown (a cached prompt), not 0: then nothing is reported.
        if line.prompt_eval_count is not None and line.eval_count is not None:
            events.append(UsageReport(Usage(max(line.prompt_eval_count, 0), max(line.eval_count, 0))))
        events.append(End())
        return events


def _seconds(created_at: str) -> int:
    """RFC 3339, nanoseconds included, to seconds since the epoch; 0 where it is no such time."""
    try:
        return int(datetime.fromisoformat(created_at).timestamp())
    except (ValueError, OverflowError):
        return 0
