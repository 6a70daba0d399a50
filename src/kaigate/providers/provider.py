"""What every upstream wire format provides."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Protocol, runtime_checkable

import msgspec

from kaigate.chat.embeddings import EmbeddingAnswer, EmbeddingRequest
from kaigate.chat.events import Frame
from kaigate.chat.request import ChatRequest
from kaigate.errors import GatewayError


class UpstreamCall(msgspec.Struct, frozen=True):
    """One HTTP request to the upstream.

    `path` follows the configured base path; `dropped` names the client's parameters that are left out.
    """

    path: str
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    method: str = "POST"
    dropped: tuple[str, ...] = ()


Headers = Sequence[tuple[bytes, bytes]]


class Signer(Protocol):
    """Credentials that depend on the request or that are renewed while the process runs."""

    def sign(self, call: UpstreamCall, *, host: str, path: str) -> Headers | Awaitable[Headers]:
        """The headers to send: those of the call and the credential's. An awaitable only where one has to be fetched.

        `host` is the Host header's value, `path` the whole request target. Raises `UpstreamFailedError` where there
        is no usable credential.
        """
        ...


class AnswerDecoder(Protocol):
    """Turns the body of one successful answer into frames, however it is cut."""

    def feed(self, data: bytes) -> list[Frame]:
        """Frames completed by these bytes; raises `UpstreamFailedError` on what it does not understand.

        Where frames precede that in the same bytes, they are returned, and the last one says so (`failure`): what a
        client gets must not depend on how the bytes were cut.
        """
        ...

    def end(self) -> list[Frame]:
        """Frames completed by the end of the body; raises `UpstreamFailedError` when it was truncated."""
        ...


class Provider(Protocol):
    """One configured upstream: its wire format, flags and credentials.

    `name` is the configured name that answers report; `format` is the wire format, for relays. `signer` is None
    where `encode` sets all headers.
    """

    name: str
    format: str
    signer: Signer | None

    def encode(self, request: ChatRequest, *, model: str, max_output_tokens: int | None) -> UpstreamCall:
        """Translate a request for the upstream's own `model` name.

        `max_output_tokens` is the ceiling to send (already the smaller of the client's and the model's).
        Raises `RequestInvalidError("unsupported_parameter")` for what the upstream can't honour and may not be dropped.
        """
        ...

    def decoder(self, request: ChatRequest) -> AnswerDecoder:
        """A fresh decoder for one answer to `request`."""
        ...

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
        """Translate an upstream's error answer; never repeats its body verbatim.

        The request's own fault becomes `RequestInvalidError`, a wrong upstream credential `UpstreamFailedError` (502),
        overload a retryable `UpstreamFailedError` with `retry_after`.
        """
        ...


@runtime_checkable
class EmbeddingProvider(Protocol):
    """A provider that also makes embeddings."""

    def encode_embeddings(self, request: EmbeddingRequest, *, model: str) -> Sequence[UpstreamCall]:
        """One call, or several where the upstream takes one text each; raises as `Provider.encode` does."""
        ...

    def decode_embeddings(self, bodies: Sequence[bytes], request: EmbeddingRequest) -> EmbeddingAnswer:
        """The answer from the bodies of all calls; raises `UpstreamFailedError` on what it does not understand."""
        ...
