"""Decoders for answers of Anthropic's Messages API: a JSON body, or a stream of server-sent events."""

from typing import Any, Final

import msgspec

from kaigate.chat.events import Frame
from kaigate.errors import GatewayError, UpstreamFailedError
from kaigate.providers.anthropic_events import MessageEvents
from kaigate.providers.anthropic_failures import event_failure
from kaigate.providers.anthropic_repair import repaired_event, repaired_message
from kaigate.providers.anthropic_wire import WireEvent, WireMessage
from kaigate.providers.framing import decode_each
from kaigate.transport.errors import TransportError
from kaigate.transport.sse import SseDecoder

MAX_BODY_BYTES: Final = 64 * 1024 * 1024

_EVENT: Final[msgspec.json.Decoder[WireEvent]] = msgspec.json.Decoder(WireEvent)
_MESSAGE: Final = msgspec.json.Decoder(WireMessage)
_ANY: Final = msgspec.json.Decoder()
_LINE_FEED: Final = 0x0A
_UNREADABLE: Final = (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class MessageDecoder:
    """Decodes one complete answer, at the end of its body; holds at most `MAX_BODY_BYTES`."""

    def __init__(self, events: MessageEvents) -> None:
        self._events: Final = events
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
            message = _MESSAGE.decode(raw)
        except _UNREADABLE:
            exact = False
            value = _json(raw)
            try:
                message = repaired_message(value)
            except msgspec.ValidationError:
                raise _unknown(value) from None
        events, complete = self._events.complete(message)
        return [Frame(events, raw, exact and complete)]


class StreamDecoder:
    """Decodes one streamed answer; only `message_stop` ends it. Event names are ignored: each event says its type."""

    def __init__(self, events: MessageEvents) -> None:
        self._sse = SseDecoder()
        self._events: Final = events

    def feed(self, data: bytes) -> list[Frame]:
        """Frames completed by these bytes; raises `UpstreamFailedError` on what it does not understand."""
        try:
            frames = self._sse.feed(data)
        except TransportError:
            raise UpstreamFailedError("upstream_error", "The model server's stream has an oversized event.") from None
        if len(frames) == 1 and not self._events.done:
            return [self._frame(frames[0].data)]
        # What follows the terminal marker belongs to no answer and goes nowhere.
        return decode_each((event.data for event in frames if not self._events.done), self._frame)

    def end(self) -> list[Frame]:
        """Nothing more after `message_stop`; raises `UpstreamFailedError` when the stream was truncated."""
        if not self._events.done:
            raise UpstreamFailedError("upstream_error", "The model server's stream ended before it was complete.")
        return []

    def _frame(self, data: bytes) -> Frame:
        exact = True
        try:
            event = _EVENT.decode(data)
        except _UNREADABLE:
            exact = False
            event = _repaired(data)
        events, complete = self._events.feed(event)
        return Frame(events, data, exact and complete and _LINE_FEED not in data)


def _repaired(data: bytes) -> WireEvent:
    value = _json(data)
    try:
        return repaired_event(value)
    except msgspec.ValidationError:
        raise _unknown(value) from None


def _json(data: bytes) -> Any:
    try:
        return _ANY.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UpstreamFailedError("upstream_error", "The model server's answer is not JSON.") from None


def _unknown(value: Any) -> GatewayError:
    if isinstance(value, dict) and value.get("error") is not None:
        return event_failure(value["error"])
    return UpstreamFailedError("upstream_error", "The model server's answer has a shape that is not known.")
