"""Decoders for answers of OpenAI and compatible servers: a JSON body, or a stream of server-sent events."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from kaigate.chat.events import Frame
from kaigate.errors import GatewayError, UpstreamFailedError
from kaigate.providers.failures import stream_failure
from kaigate.providers.framing import decode_each
from kaigate.providers.openai_events import ChunkEvents, completion_events
from kaigate.providers.openai_repair import repair
from kaigate.providers.openai_wire import WireChunk, WireCompletion
from kaigate.transport.errors import TransportError
from kaigate.transport.sse import SseDecoder

MAX_BODY_BYTES: Final = 64 * 1024 * 1024

_CHUNK: Final = msgspec.json.Decoder(WireChunk)
_COMPLETION: Final = msgspec.json.Decoder(WireCompletion)
_ANY: Final = msgspec.json.Decoder()
_LINE_FEED: Final = 0x0A
_BRACE: Final = 0x7B


class CompletionDecoder:
    """Decodes one complete answer, at the end of its body; holds at most `MAX_BODY_BYTES`.

    `answer_id` makes an id for an answer that came without one.
    """

    def __init__(self, *, answer_id: Callable[[], str], model: str) -> None:
        self._answer_id: Final = answer_id
        self._model: Final = model
        self._body: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[Frame]:
        """Keep the bytes."""
        self._body.append(data)
        self._size += len(data)
        if self._size > MAX_BODY_BYTES:
            raise UpstreamFailedError("upstream_error", "The model server's answer is too large.")
        return []

    def end(self) -> list[Frame]:
        """The one frame of the answer; raises `UpstreamFailedError` on what is not a complete answer."""
        raw = b"".join(self._body).strip()
        exact = True
        try:
            answer = _COMPLETION.decode(raw)
        except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            exact = False
            answer = self._repaired(raw)
        events, complete = completion_events(answer)
        return [Frame(events, raw, exact and complete)]

    def _repaired(self, raw: bytes) -> WireCompletion:
        value = _json(raw)
        try:
            return repair(value, WireCompletion, fallback_id=self._answer_id(), fallback_model=self._model)
        except msgspec.ValidationError:
            raise _unknown(value) from None


class StreamDecoder:
    """Decodes one streamed answer.

    `[DONE]` ends it; with `done_optional` the end of the body does too, if every choice had its finish reason.
    Once a frame had to be repaired the rest is not tried as exact: a server that deviates does so in every frame.
    """

    def __init__(self, *, answer_id: Callable[[], str], model: str, done_optional: bool = False) -> None:
        self._answer_id: Final = answer_id
        self._model: Final = model
        self._done_optional: Final = done_optional
        self._sse = SseDecoder()
        self._events = ChunkEvents()
        self._exact = True
        self._done = False

    def feed(self, data: bytes) -> list[Frame]:
        """Frames completed by these bytes; raises `UpstreamFailedError` on what it does not understand."""
        try:
            frames = self._sse.feed(data)
        except TransportError:
            raise UpstreamFailedError("upstream_error", "The model server's stream has an oversized event.") from None
        if len(frames) == 1 and not self._done:
            return [self._frame(frames[0].data)]
        # What follows the terminal marker belongs to no answer and goes nowhere.
        return decode_each((event.data for event in frames if not self._done), self._frame)

    def end(self) -> list[Frame]:
        """Nothing more after `[DONE]`; raises `UpstreamFailedError` when the stream was truncated."""
        if self._done:
            return []
        if self._done_optional and not self._sse.pending:
            self._done = True
            return [Frame(self._events.end())]
        raise UpstreamFailedError("upstream_error", "The model server's stream ended before it was complete.")

    def _frame(self, data: bytes) -> Frame:
        if data == b"[DONE]":
            self._done = True
            return Frame(self._events.end(), data)
        if not self._exact:
            return Frame(self._events.feed(self._repaired(data))[0], data)
        try:
            chunk = _CHUNK.decode(data)
        except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            chunk = self._repaired(data)
            self._exact = False
        events, exact = self._events.feed(chunk)
        return Frame(events, data, exact and self._exact and _LINE_FEED not in data and data[0] == _BRACE)

    def _repaired(self, data: bytes) -> WireChunk:
        value = _json(data)
        if isinstance(value, dict) and value.get("error") is not None:  # also beside an empty list of choices
            raise stream_failure(value["error"])
        try:
            return repair(
                value, WireChunk, fallback_id=self._events.answer_id or self._answer_id(), fallback_model=self._model
            )
        except msgspec.ValidationError:
            raise _unknown(value) from None


def _json(data: bytes) -> Any:
    try:
        return _ANY.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UpstreamFailedError("upstream_error", "The model server's answer is not JSON.") from None


def _unknown(value: Any) -> GatewayError:
    if isinstance(value, dict) and value.get("error") is not None:
        return stream_failure(value["error"])
    return UpstreamFailedError("upstream_error", "The model server's answer has a shape that is not known.")
