"""The client surface `POST /api/chat` (source: Ollama API documentation, "Generate a chat completion")."""

from collections.abc import Mapping
from typing import Final

from kaigate.chat.request import ChatRequest
from kaigate.errors import GatewayError
from kaigate.surfaces.ollama_answer import CompleteAnswer
from kaigate.surfaces.ollama_error import error_body
from kaigate.surfaces.ollama_request import decode_chat
from kaigate.surfaces.ollama_stream import StreamedAnswer
from kaigate.surfaces.surface import NO_HEADERS, AnswerEncoder


class OllamaChat:
    """Ollama's chat API; `max_depth` bounds the nesting of a request body."""

    name: str = "ollama_chat"
    format: str = "ollama_chat"

    def __init__(self, *, max_depth: int = 64) -> None:
        self._max_depth: Final = max_depth

    def decode(self, body: bytes, headers: Mapping[bytes, bytes] = NO_HEADERS) -> ChatRequest:  # noqa: ARG002
        """Parse a request body; raises `RequestInvalidError` naming the field and the remedy."""
        return decode_chat(body, max_depth=self._max_depth)

    def encoder(self, request: ChatRequest, *, provider: str) -> AnswerEncoder:
        """A fresh encoder for one answer of `provider`: streamed or complete, as the client asked."""
        return (StreamedAnswer if request.stream else CompleteAnswer)("chat", provider=provider)

    def error(self, error: GatewayError, request_id: str) -> bytes:  # noqa: ARG002 -- other grammars carry the id
        """The body of a refusal; the request id travels in its header."""
        return error_body(error)
