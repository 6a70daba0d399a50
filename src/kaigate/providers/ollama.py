"""Ollama's native API, `POST /api/chat`."""

import secrets
from collections.abc import Mapping
from typing import Final

from kaigate.chat.request import ChatRequest
from kaigate.errors import GatewayError
from kaigate.providers.failures import failure
from kaigate.providers.ollama_decode import OllamaDecoder
from kaigate.providers.ollama_encode import encode_request
from kaigate.providers.provider import AnswerDecoder, Signer, UpstreamCall


class Ollama:
    """One configured Ollama server; `num_ctx` is the context window to load models with, where it is known.

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
        self._headers: Final = tuple(common)

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
