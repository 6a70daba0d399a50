"""The client surface `POST /v1/responses`, without memory: nothing is stored, the client sends its conversation."""

from collections.abc import Mapping
from typing import Final

from kaigate.chat.request import ChatRequest
from kaigate.errors import GatewayError
from kaigate.surfaces import openai_responses_request
from kaigate.surfaces.openai_error import error_body
from kaigate.surfaces.openai_responses_answer import CompleteResponse
from kaigate.surfaces.openai_responses_stream import StreamedResponse
from kaigate.surfaces.surface import NO_HEADERS, AnswerEncoder


class OpenAIResponses:
    """OpenAI responses; `max_depth` bounds the nesting of a request body."""

    name: str = "openai_responses"
    format: str = "openai_responses"

    def __init__(self, *, max_depth: int = 64) -> None:
        self._max_depth: Final = max_depth

    def decode(self, body: bytes, headers: Mapping[bytes, bytes] = NO_HEADERS) -> ChatRequest:  # noqa: ARG002
        """Parse a request body; raises `RequestInvalidError` naming the field and the remedy."""
        return openai_responses_request.decode(body, max_depth=self._max_depth)

    def encoder(self, request: ChatRequest, *, provider: str) -> AnswerEncoder:
        """A fresh encoder for one answer of `provider`: streamed or complete, as the client asked."""
        if request.stream:
            return StreamedResponse(request, provider=provider)
        return CompleteResponse(request, provider=provider)

    def error(self, error: GatewayError, request_id: str) -> bytes:  # noqa: ARG002 -- other grammars carry the id
        """The body of a refusal; the request id travels in its header."""
        return error_body(error)
