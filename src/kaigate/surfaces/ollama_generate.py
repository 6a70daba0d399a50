"""The client surface `POST /api/generate` (source: Ollama API documentation, "Generate a completion").

It is served as a conversation of one turn, through every provider: what would bypass the model's own template (`raw`,
`template`, `context`, `suffix`) is refused, and no `context` is returned.
"""

from collections.abc import Mapping
from typing import Final

from kaigate.chat.request import ChatRequest
from kaigate.errors import GatewayError
from kaigate.surfaces.ollama_answer import CompleteAnswer
from kaigate.surfaces.ollama_error import error_body
from kaigate.surfaces.ollama_request import decode_generate
from kaigate.surfaces.ollama_stream import StreamedAnswer
from kaigate.surfaces.surface import NO_HEADERS, AnswerEncoder


class OllamaGenerate:
    """Ollama's completion API; `max_depth` bounds the nesting of a request body."""

    name: str = "ollama_generate"
    format: str = "ollama_generate"

    def __init__(self, *, max_depth: int = 64) -> None:
        self._max_depth: Final = max_depth

    def decode(self, body: bytes, headers: Mapping[bytes, bytes] = NO_HEADERS) -> ChatRequest:  # noqa: ARG002
        """Parse a request body; raises `RequestInvalidError` naming the field and the remedy."""
        return decode_generate(body, max_depth=self._max_depth)

    def encoder(self, request: ChatRequest, *, provider: str) -> AnswerEncoder:
        """A fresh encoder for one answer of `provider`: streamed or complete, as the client asked."""
        return (StreamedAnswer if request.stream else CompleteAnswer)("generate", provider=provider)

    def error(self, error: GatewayError, request_id: str) -> bytes:  # noqa: ARG002 -- other grammars carry the id
        """The body of a refusal; the request id travels in its header."""
        return error_body(error)
