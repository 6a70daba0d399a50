"""What every client wire format provides."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol

from kaigate.chat.events import ChatEvent, Frame
from kaigate.chat.request import ChatRequest
from kaigate.errors import GatewayError

NO_HEADERS: Final[Mapping[bytes, bytes]] = MappingProxyType({})


class AnswerEncoder(Protocol):
    """Turns the events of one answer into body bytes.

    `content_type` is that of a successful answer. A non-streaming encoder returns b"" until `end`.
    """

    content_type: bytes

    def feed(self, events: Sequence[ChatEvent]) -> bytes:
        """Body bytes for these events."""
        ...

    def relay(self, frame: Frame) -> bytes:
        """Body bytes for an untouched, exact frame of the same wire format."""
        ...

    def end(self) -> bytes:
        """The rest of the body after the last event of a complete answer."""
        ...

    def fail(self, error: GatewayError) -> bytes:
        """The typed error that ends a stream whose headers are already sent; never a success marker."""
        ...


class Surface(Protocol):
    """One client wire format for chat requests; `format` is equal to a provider's where frames may be relayed."""

    name: str
    format: str

    def decode(self, body: bytes, headers: Mapping[bytes, bytes] = NO_HEADERS) -> ChatRequest:
        """Parse a request body; raises `RequestInvalidError` naming the field and the remedy.

        `headers` (names in lower case) are read only where the format puts parameters there.
        """
        ...

    def encoder(self, request: ChatRequest, *, provider: str) -> AnswerEncoder:
        """A fresh encoder for one answer of `provider`."""
        ...

    def error(self, error: GatewayError, request_id: str) -> bytes:
        """The body of a refusal in this format's error grammar."""
        ...
