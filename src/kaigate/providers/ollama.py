"""Ollama's native API, `POST /api/chat`."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Final

from kaigate.chat.embeddings import EmbeddingAnswer, EmbeddingRequest
from kaigate.chat.request import ChatRequest
from kaigate.errors import GatewayError
from kaigate.providers import ollama_embeddings, ollama_tags
from kaigate.providers.failures import failure
from kaigate.providers.ollama_decode import OllamaDecoder
from kaigate.providers.ollama_encode import encode_request
from kaigate.providers.provider import AnswerDecoder, Provider, Signer, UpstreamCall

ROOM_FOR_ANSWERS: Final = 2048
"""Tokens of the window that are kept for an answer where the model has no ceiling of output tokens."""


class Ollama:
    """One configured Ollama server; `num_ctx` is the context window to load models with, where it is known.

    Without one Ollama takes its own default, often 4096, and older servers cut longer prompts there, unseen. It is the
    same for every request of a model, because another one makes the server load the model anew.

    Ids of its answers begin with `ollama-`, because Ollama sends none.
    """

    format: str = "ollama_chat"
    signer: Signer | None = None

    def __init__(
        self,
        name: str,
        *,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        drop_params: bool = False,
        num_ctx: int | None = None,
    ) -> None:
        self.name: str = name
        self._drop_params: Final = drop_params
        self._num_ctx: Final = num_ctx
        common = [(b"content-type", b"application/json")]
        if api_key:
            common.append((b"authorization", b"Bearer " + api_key.encode()))
        common.extend((key.lower().encode(), value.encode()) for key, value in (headers or {}).items())
        self._headers = tuple(common)

    def with_window(self, num_ctx: int) -> "Ollama":
        """The same server for a model with a window of `num_ctx` tokens."""
        other = Ollama(self.name, drop_params=self._drop_params, num_ctx=num_ctx)
        other._headers = self._headers
        return other

    def encode(self, request: ChatRequest, *, model: str, max_output_tokens: int | None) -> UpstreamCall:
        """Translate a request; see `Provider.encode`."""
        body, dropped = encode_request(
            request,
            model=model,
            max_output_tokens=max_output_tokens,
            num_ctx=self._num_ctx,
            drop_params=self._drop_params,
        )
        return UpstreamCall("/api/chat", self._headers, body, dropped=dropped)

    def decoder(self, request: ChatRequest) -> AnswerDecoder:
        """A fresh decoder for one answer."""
        return OllamaDecoder(answer_id="ollama-" + secrets.token_hex(12), model=request.model)

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
        """Translate an upstream's error answer; see `Provider.failure`."""
        return failure(status, headers, body)

    def tags(self) -> UpstreamCall:
        """The call that lists the server's models; see `ollama_tags`."""
        return UpstreamCall(ollama_tags.PATH, self._headers, b"", method="GET")

    def encode_embeddings(self, request: EmbeddingRequest, *, model: str) -> Sequence[UpstreamCall]:
        """One call for all texts; see `EmbeddingProvider.encode_embeddings`."""
        body, dropped = ollama_embeddings.encode_request(
            request, model=model, num_ctx=self._num_ctx, drop_params=self._drop_params
        )
        return (UpstreamCall("/api/embed", self._headers, body, dropped=dropped),)

    def decode_embeddings(self, bodies: Sequence[bytes], request: EmbeddingRequest) -> EmbeddingAnswer:
        """The answer of the one call; see `EmbeddingProvider.decode_embeddings`."""
        (body,) = bodies
        return ollama_embeddings.decode_answer(body, request)


def in_window(
    provider: Provider, *, context_tokens: int | None, max_input_tokens: int | None, max_tokens: int | None
) -> Provider:
    """The provider for one deployment: an Ollama server is told the window that the configuration gives its model.

    That is `context_tokens`, else the ceilings of input and output together; other providers stay as they are.
    """
    if not isinstance(provider, Ollama):
        return provider
    if context_tokens is None and max_input_tokens is not None:
        context_tokens = max_input_tokens + (max_tokens or ROOM_FOR_ANSWERS)
    return provider if context_tokens is None else provider.with_window(context_tokens)
