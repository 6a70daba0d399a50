"""The client surface `POST /v1/completions` (legacy), for clients that know no chat."""

from collections.abc import Mapping
from typing import Final

from kaigate.chat.request import ChatRequest
from kaigate.errors import GatewayError
from kaigate.surfaces import openai_completions_request
from kaigate.surfaces.openai_completions_answer import CompleteCompletion
from kaigate.surfaces.openai_completions_stream import StreamedCompletion
from kaigate.surfaces.openai_error import error_body
from kaigate.surfaces.surface import NO_HEADERS, AnswerEncoder


class OpenAICompletions:
    """OpenAI text completions; `max_depth` bounds the nesting of a request body."""

    name: str = "openai_completions"
    format: str = "openai_completions"

    def __init__(self, *, max_depth: int = 64) -> None:
        self._max_depth: Final = max_depth

    def decode(self, body: bytes, headers: Mapping[bytes, bytes] = NO_HEADERS) -> ChatRequest:  # noqa: ARG002
        """Parse a request body; raises `RequestInvalidError` naming the field and the remedy."""
        return openai_completions_request.decode(body, max_depth=self._max_depth)

    def encoder(self, request: ChatRequest, *, provider: str) -> AnswerEncoder:
        """A fresh encoder for one answer of `provider`: streamed or complete, as the client asked."""
        if not request.stream:
            return CompleteCompletion(provider=provider)
        choices = request.sampling.n or 1
        return StreamedCompletion(provider=provider, include_usage=request.include_usage, choices=choices)

    def error(self, error: GatewayError, request_id: str) -> bytes:  # noqa: ARG002 -- other grammars carry the id
        """The body of a refusal; the request id travels in its header."""
        return error_body(error)
