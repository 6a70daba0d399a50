"""OpenAI and every server that speaks its chat completions API; differences between them are a `ProviderRow`."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote

from kaigate.chat.embeddings import EmbeddingAnswer, EmbeddingRequest
from kaigate.chat.request import ChatRequest
from kaigate.errors import GatewayError
from kaigate.providers import openai_embeddings
from kaigate.providers.failures import failure
from kaigate.providers.openai_decode import CompletionDecoder, StreamDecoder
from kaigate.providers.openai_encode import encode_request
from kaigate.providers.provider import AnswerDecoder, Signer, UpstreamCall
from kaigate.providers.provider_row import ProviderRow


class OpenAICompatible:
    """One configured OpenAI-compatible upstream.

    Azure (source: Azure OpenAI REST reference): with an `api_version` the deployment stands in the path and the
    version in the query; without one the newer `/openai/v1` paths are used. The key travels in `api-key`.
    """

    format: str = "openai_chat"
    signer: Signer | None = None

    def __init__(
        self,
        name: str,
        row: ProviderRow,
        *,
        api_key: str | None = None,
        api_version: str | None = None,
        organization: str | None = None,
        headers: Mapping[str, str] | None = None,
        drop_params: bool = False,
    ) -> None:
        self.name: str = name
        self._row: Final = row
        self._api_version: Final = api_version
        self._drop_params: Final = drop_params
        common = [(b"content-type", b"application/json")]
        if api_key:
            key = (b"api-key", api_key.encode()) if row.auth == "api-key" else _bearer(api_key)
            common.append(key)
        if organization:
            common.append((b"openai-organization", organization.encode()))
        common.extend((key.lower().encode(), value.encode()) for key, value in (headers or {}).items())
        self._complete_headers: Final = (*common, (b"accept", b"application/json"))
        self._stream_headers: Final = (*common, (b"accept", b"text/event-stream"))

    def encode(self, request: ChatRequest, *, model: str, max_output_tokens: int | None) -> UpstreamCall:
        """Translate a request; see `Provider.encode`."""
        body, dropped = encode_request(
            request, self._row, model=model, max_output_tokens=max_output_tokens, drop_params=self._drop_params
        )
        headers = self._stream_headers if request.stream else self._complete_headers
        path = self._azure_path(model, "chat/completions") if self._row.azure_paths else "/chat/completions"
        return UpstreamCall(path, headers, body, dropped=dropped)

    def decoder(self, request: ChatRequest) -> AnswerDecoder:
        """A fresh decoder for one answer."""
        if request.stream:
            return StreamDecoder(answer_id=_answer_id, model=request.model, done_optional=self._row.done_optional)
        return CompletionDecoder(answer_id=_answer_id, model=request.model)

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
        """Translate an upstream's error answer; see `Provider.failure`."""
        return failure(status, headers, body)

    def encode_embeddings(self, request: EmbeddingRequest, *, model: str) -> Sequence[UpstreamCall]:
        """One call for all inputs; see `EmbeddingProvider.encode_embeddings`."""
        body, dropped = openai_embeddings.encode_request(request, self._row, model=model, drop_params=self._drop_params)
        path = self._azure_path(model, "embeddings") if self._row.azure_paths else "/embeddings"
        return (UpstreamCall(path, self._complete_headers, body, dropped=dropped),)

    def decode_embeddings(self, bodies: Sequence[bytes], request: EmbeddingRequest) -> EmbeddingAnswer:
        """The answer of the one call; see `EmbeddingProvider.decode_embeddings`."""
        (body,) = bodies
        return openai_embeddings.decode_answer(body, request)

    def _azure_path(self, model: str, operation: str) -> str:
        if self._api_version is None:
            return f"/openai/v1/{operation}"
        version = quote(self._api_version, safe="")
        return f"/openai/deployments/{quote(model, safe='')}/{operation}?api-version={version}"


def _answer_id() -> str:
    return "chatcmpl-" + secrets.token_hex(12)


def _bearer(api_key: str) -> tuple[bytes, bytes]:
    return b"authorization", b"Bearer " + api_key.encode()
