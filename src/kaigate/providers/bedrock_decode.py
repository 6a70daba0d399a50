"""Decoders for answers of Converse, a JSON body, and of ConverseStream, a binary event stream."""

import base64
import binascii
from typing import Final

import msgspec

from kaigate.chat.events import ChatEvent, Frame, ReasoningDelta, Start
from kaigate.errors import GatewayError, UpstreamFailedError
from kaigate.providers.bedrock_events import AnswerEvents, broken, reasoning
from kaigate.providers.bedrock_failures import failure_of
from kaigate.providers.bedrock_names import ToolNames
from kaigate.providers.bedrock_wire import (
    WireAnswer,
    WireBlock,
    WireBlockDelta,
    WireBlockStart,
    WireBlockStop,
    WireMessageStart,
    WireMessageStop,
    WireMetadata,
    WireReasoningDelta,
)
from kaigate.providers.framing import decode_each
from kaigate.transport.aws_event_stream import EventMessage, EventStreamDecoder
from kaigate.transport.errors import ProtocolError

MAX_BODY_BYTES: Final = 64 * 1024 * 1024
MAX_REDACTED_BYTES: Final = 1024 * 1024

_ANSWER: Final = msgspec.json.Decoder(WireAnswer)
_DELTA: Final = msgspec.json.Decoder(WireBlockDelta)
_BLOCK_START: Final = msgspec.json.Decoder(WireBlockStart)
_BLOCK_STOP: Final = msgspec.json.Decoder(WireBlockStop)
_MESSAGE_START: Final = msgspec.json.Decoder(WireMessageStart)
_MESSAGE_STOP: Final = msgspec.json.Decoder(WireMessageStop)
_METADATA: Final = msgspec.json.Decoder(WireMetadata)
_MALFORMED: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class ConverseDecoder:
    """Decodes one complete answer, at the end of its body; holds at most `MAX_BODY_BYTES`. Never exact."""

    def __init__(self, begin: Start, names: ToolNames) -> None:
        self._begin: Final = begin
        self._names: Final = names
        self._body: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[Frame]:
        """Keep the bytes."""
        self._body.append(data)
        self._size += len(data)
        if self._size > MAX_BODY_BYTES:
            raise broken("is too large")
        return []

    def end(self) -> list[Frame]:
        """The one frame of the answer; raises `UpstreamFailedError` on what is not a complete answer."""
        raw = b"".join(self._body)
        try:
            answer = _ANSWER.decode(raw)
        except _MALFORMED:
            raise broken("has a shape that is not known") from None
        events: list[ChatEvent] = [self._begin]
        state = AnswerEvents(self._names)
        for index, block in enumerate(answer.output.message.content):
            events.extend(_whole_block(state, index, block))
        events.extend(state.terminal(answer.stop_reason, answer.usage, answer.additional_model_response_fields))
        return [Frame(events, raw)]


def _whole_block(state: AnswerEvents, index: int, block: WireBlock) -> list[ChatEvent]:
    members = (block.text is not None) + (block.tool_use is not None) + (block.reasoning_content is not None)
    if members != 1:
        raise broken("has a block whose shape is not known")
    if block.text is not None:
        return state.text(block.text)
    if block.reasoning_content is not None:
        return [reasoning(block.reasoning_content)]
    use = block.tool_use
    if use is None or not bytes(use.input).startswith(b"{"):
        raise broken("has a tool call whose arguments are no object")
    return [*state.open_call(index, use), *state.arguments(index, bytes(use.input).decode()), *state.close(index)]


class ConverseStreamDecoder:
    """Decodes one streamed answer; complete only after `messageStop` and `metadata`. Never exact.

    The finish reason is given with the usage, at the end: a stream that breaks off before has neither.
    """

    def __init__(self, begin: Start, names: ToolNames) -> None:
        self._begin: Final = begin
        self._messages = EventStreamDecoder()
        self._state = AnswerEvents(names)
        self._redacted: list[str] = []
        self._redacted_size = 0
        self._started = False
        self._stop: WireMessageStop | None = None
        self._done = False

    def feed(self, data: bytes) -> list[Frame]:
        """Frames completed by these bytes; raises `UpstreamFailedError` on what it does not understand."""
        try:
            messages = self._messages.feed(data)
        except ProtocolError:
            raise _damaged() from None
        frames = decode_each((message for message in messages if not self._done), self._frame)
        if self._messages.failure is not None and not self._done and (not frames or frames[-1].failure is None):
            frames.append(Frame([], failure=_damaged()))
        return frames

    def end(self) -> list[Frame]:
        """Nothing more; raises `UpstreamFailedError` when the stream was truncated."""
        if not self._done:
            raise broken("ended before it was complete")
        return []

    def _frame(self, message: EventMessage) -> Frame:
        headers, payload = message
        if headers.get(":message-type") != "event":
            raise _exception(message)
        kind = headers.get(":event-type")
        try:
            events = self._delta(_DELTA.decode(payload)) if kind == "contentBlockDelta" else self._other(kind, payload)
        except _MALFORMED:
            raise broken("has an event whose shape is not known") from None
        return Frame(events, payload)

    def _other(self, kind: object, payload: bytes) -> list[ChatEvent]:
        if kind == "messageStart":
            _MESSAGE_START.decode(payload)
            if self._started:
                raise broken("begins twice")
            self._started = True
            return [self._begin]
        if kind == "metadata":
            return self._terminal(_METADATA.decode(payload))
        if kind == "initial-response" and not self._started:
            return []  # botocore's model admits it in front; what it could hold stands in the HTTP headers
        self._check_open()
        if kind == "contentBlockStart":
            begun = _BLOCK_START.decode(payload)
            return self._state.open_call(begun.content_block_index, begun.start.tool_use)
        if kind == "contentBlockStop":
            return self._redacted_block() + self._state.close(_BLOCK_STOP.decode(payload).content_block_index)
        if kind == "messageStop":
            self._stop = _MESSAGE_STOP.decode(payload)
            return self._redacted_block()
        raise broken("has an event that is not known")

    def _check_open(self) -> None:
        if not self._started or self._stop is not None:
            raise broken("has its events in a wrong order")

    def _delta(self, event: WireBlockDelta) -> list[ChatEvent]:
        self._check_open()
        delta = event.delta
        if delta.text is not None and delta.tool_use is None and delta.reasoning_content is None:
            return self._state.text(delta.text)
        if delta.tool_use is not None and delta.text is None and delta.reasoning_content is None:
            return self._state.arguments(event.content_block_index, delta.tool_use.input)
        if delta.reasoning_content is not None and delta.text is None and delta.tool_use is None:
            return self._reasoning(delta.reasoning_content)
        raise broken("has a delta whose shape is not known")

    def _reasoning(self, delta: WireReasoningDelta) -> list[ChatEvent]:
        """Text, a signature or encrypted reasoning, never together."""
        if (delta.text is not None) + (delta.signature is not None) + (delta.redacted_content is not None) != 1:
            raise broken("has reasoning whose shape is not known")
        if delta.text is not None:
            return [ReasoningDelta(delta.text)] if delta.text else []
        if delta.signature is not None:
            return [ReasoningDelta("", signature=delta.signature)]
        self._redacted.append(delta.redacted_content or "")
        self._redacted_size += len(self._redacted[-1])
        if self._redacted_size > MAX_REDACTED_BYTES:
            raise broken("has a block of reasoning that is too large")
        return []

    def _redacted_block(self) -> list[ChatEvent]:
        """The encrypted reasoning of the block that ends: as it came, unless it came in pieces."""
        if not self._redacted:
            return []
        pieces, self._redacted, self._redacted_size = self._redacted, [], 0
        if len(pieces) == 1:
            return [ReasoningDelta("", redacted=pieces[0])]
        try:
            whole = b"".join([base64.b64decode(piece, validate=True) for piece in pieces])
        except binascii.Error:
            raise broken("has encrypted reasoning that is not base64") from None
        return [ReasoningDelta("", redacted=base64.b64encode(whole).decode())]

    def _terminal(self, metadata: WireMetadata) -> list[ChatEvent]:
        if self._stop is None:
            raise broken("has its usage before its end")
        self._done = True
        return self._state.terminal(self._stop.stop_reason, metadata.usage, self._stop.additional_model_response_fields)


def _damaged() -> UpstreamFailedError:
    return broken("has a damaged event")


def _exception(message: EventMessage) -> GatewayError:
    """A failure inside a stream that began with status 200: an exception of the API, or an error of the service."""
    kind = message.headers.get(":message-type")
    if kind not in {"exception", "error"}:
        return broken("has an event that is not known")
    name = message.headers.get(":exception-type" if kind == "exception" else ":error-code")
    return failure_of(name if isinstance(name, str) else "", 500, {}, message.payload)
