"""Decoder for answers of Ollama's `POST /api/chat`: one JSON object per line, the last with `done: true`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

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


class _ExactMessage(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    role: Literal["assistant"]
    content: str
    thinking: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _ExactLine(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One line of which every key is known, as current servers send it."""

    model: str
    created_at: datetime
    message: _ExactMessage
    done: bool
    done_reason: str | None = None
    total_duration: int | None = None
    load_duration: int | None = None
    prompt_eval_count: int | None = None
    prompt_eval_duration: int | None = None
    eval_count: int | None = None
    eval_duration: int | None = None
    logprobs: list[dict[str, Any]] | None = None


class _Line(msgspec.Struct, gc=False):
    """One line of any server; keys that are not here reach nobody."""

    model: str = ""
    created_at: str = ""
    message: _Message | None = None
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    logprobs: list[dict[str, Any]] | None = None
    error: Any = None


_EXACT: Final = msgspec.json.Decoder(_ExactLine)
_LINE: Final = msgspec.json.Decoder(_Line)
_NUMBERS: Final = (
    "total_duration",
    "load_duration",
    "prompt_eval_count",
    "prompt_eval_duration",
    "eval_count",
    "eval_duration",
)
_STRINGS: Final = 10
"""Strings of the least exact line: its six keys, and the values of four of them."""
_encode: Final = msgspec.json.Encoder().encode


class OllamaDecoder:
    """Decodes one answer, streamed or complete: a complete one is a single line.

    Lines with tool calls or log probabilities are never exact: their values are not all represented in events. Once a
    line has keys that are not known, or lacks one, the rest is not tried as exact.
    """

    def __init__(self, *, answer_id: str, model: str) -> None:
        self._answer_id: Final = answer_id
        self._model: Final = model
        self._lines = NdjsonDecoder(MAX_LINE_BYTES)
        self._exact = True
        self._start: Start | None = None
        self._calls = 0
        self._done = False

    def feed(self, data: bytes) -> list[Frame]:
        """Frames completed by these bytes; raises `UpstreamFailedError` on what it does not understand."""
        try:
            lines = self._lines.feed(data)
        except TransportError:
            raise UpstreamFailedError("upstream_error", "The model server's answer has an oversized line.") from None
        if len(lines) == 1 and not self._done:
            return [self._frame(lines[0])]
        return decode_each((line for line in lines if not self._done), self._frame)

    def end(self) -> list[Frame]:
        """The line that no line end followed; raises `UpstreamFailedError` without `done: true`."""
        rest = self._lines.end().strip()
        frames = [self._frame(rest)] if rest and not self._done else []
        if not self._done:
            raise UpstreamFailedError("upstream_error", "The model server's answer ended before it was complete.")
        return frames

    def _frame(self, raw: bytes) -> Frame:
        line = self._line(raw)
        events: list[ChatEvent] = []
        start = self._start
        if start is None:
            start = self._start = Start(self._answer_id, line.model or self._model, _seconds(line.created_at))
            events.append(start)
        exact = type(line) is _ExactLine and line.model == start.model and _says_no_more(line, raw)
        if line.message is not None:
            self._add_message(events, line.message)
        if line.logprobs:
            events.append(LogprobsDelta(line.logprobs))
        if line.done:
            self._done = True
            events.extend(self._terminal(line))
        return Frame(events, raw, exact)

    def _line(self, raw: bytes) -> _ExactLine | _Line:
        if self._exact:
            try:
                return _EXACT.decode(raw)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                self._exact = False
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
        return line

    def _add_message(self, events: list[ChatEvent], message: _ExactMessage | _Message) -> None:
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

    def _terminal(self, line: _ExactLine | _Line) -> list[ChatEvent]:
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


def _says_no_more(line: _ExactLine, raw: bytes) -> bool:
    """Whether the line was written with each of its keys once, and all its texts are in its events.

    A key that is there twice has a text that no parser's reading shows; it is one string more than there should be.
    """
    message = line.message
    if message.tool_calls is not None or line.logprobs is not None:
        return False
    strings = _STRINGS
    if message.thinking is not None:
        strings += 2
    if line.done:
        if line.done_reason is not None:
            strings += 2
        strings += sum([getattr(line, name) is not None for name in _NUMBERS])
    if b"\\" in raw:  # some quote may be escaped; pairs first: what then still precedes a quote escapes it
        raw = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    return raw.count(b'"') == 2 * strings


def _seconds(created_at: str | datetime) -> int:
    """RFC 3339, nanoseconds included, to seconds since the epoch; 0 where it is no such time."""
    try:
        moment = datetime.fromisoformat(created_at) if isinstance(created_at, str) else created_at
        return int(moment.timestamp())
    except (ValueError, OverflowError):
        return 0
