"""The client surface `POST /v1/messages`, and the two ends of `POST /v1/messages/count_tokens`."""

from collections.abc import Mapping
from typing import Final

from kaigate.chat.request import ChatRequest
from kaigate.errors import GatewayError
from kaigate.surfaces import anthropic_request
from kaigate.surfaces.anthropic_answer import CompleteAnswer
from kaigate.surfaces.anthropic_error import error_body
from kaigate.surfaces.anthropic_parts import encode_json
from kaigate.surfaces.anthropic_stream import StreamedAnswer
from kaigate.surfaces.surface import NO_HEADERS, AnswerEncoder


class AnthropicMessages:
    """Anthropic's Messages API; `max_depth` bounds the nesting of a request body."""

    name: str = "anthropic_messages"
    format: str = "anthropic_messages"

    def __init__(self, *, max_depth: int = 64) -> None:
        self._max_depth: Final = max_depth

    def decode(self, body: bytes, headers: Mapping[bytes, bytes] = NO_HEADERS) -> ChatRequest:
        """Parse a request body; raises `RequestInvalidError` naming the field and the remedy."""
        return anthropic_request.decode(body, headers, max_depth=self._max_depth)

    def encoder(self, request: ChatRequest, *, provider: str) -> AnswerEncoder:
        """A fresh encoder for one answer of `provider`: streamed or complete, as the client asked."""
        if request.stream:
            return StreamedAnswer(provider=provider)
        return CompleteAnswer(provider=provider)

    def error(self, error: GatewayError, request_id: str) -> bytes:
        """The body of a refusal, with the request id."""
        return error_body(error, request_id)


def count_request(body: bytes, headers: Mapping[bytes, bytes] = NO_HEADERS, *, max_depth: int = 64) -> ChatRequest:
    """Parse the body of `count_tokens`; raises `RequestInvalidError` naming the field and the remedy."""
    return anthropic_request.decode_count(body, headers, max_depth=max_depth)


def count_answer(tokens: int) -> bytes:
    """The answer of `count_tokens`."""
    return encode_json({"input_tokens": tokens})
