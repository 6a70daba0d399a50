"""AWS Bedrock: Converse and ConverseStream for chat, InvokeModel for embeddings."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote

from kaigate.chat.embeddings import EmbeddingAnswer, EmbeddingRequest
from kaigate.chat.events import Start
from kaigate.chat.request import ChatRequest
from kaigate.clock import Clock, SystemClock
from kaigate.errors import GatewayError
from kaigate.providers.bedrock_decode import ConverseDecoder, ConverseStreamDecoder
from kaigate.providers.bedrock_embeddings import decode_embeddings, encode_embeddings
from kaigate.providers.bedrock_encode import encode_request
from kaigate.providers.bedrock_failures import bedrock_failure
from kaigate.providers.bedrock_names import ToolNames
from kaigate.providers.provider import AnswerDecoder, Signer, UpstreamCall


class Bedrock:
    """One configured Bedrock endpoint: with a Bedrock API key in `api_key`, or with a `signer` for AWS credentials.

    Ids of its answers begin with `bedrock-`, because Bedrock sends none in the body.
    """

    format: str = "bedrock_converse"

    def __init__(
        self,
        name: str,
        *,
        api_key: str | None = None,
        signer: Signer | None = None,
        headers: Mapping[str, str] | None = None,
        drop_params: bool = False,
        clock: Clock | None = None,
    ) -> None:
        self.name: str = name
        self.signer: Signer | None = None if api_key else signer
        self._drop_params: Final = drop_params
        self._clock: Final = clock or SystemClock()
        common = [(b"content-type", b"application/json")]
        if api_key:
            common.append((b"authorization", b"Bearer " + api_key.encode()))
        common.extend((key.lower().encode(), value.encode()) for key, value in (headers or {}).items())
        self._complete_headers: Final = (*common, (b"accept", b"application/json"))
        self._stream_headers: Final = (*common, (b"accept", b"application/vnd.amazon.eventstream"))

    def encode(self, request: ChatRequest, *, model: str, max_output_tokens: int | None) -> UpstreamCall:
        """Translate a request; see `Provider.encode`. The model's id, profile or ARN is URL-encoded once."""
        body, dropped = encode_request(
            request, model=model, max_output_tokens=max_output_tokens, drop_params=self._drop_params
        )
        headers, operation = self._complete_headers, "converse"
        if request.stream:
            headers, operation = self._stream_headers, "converse-stream"
        return UpstreamCall(f"/model/{quote(model, safe='')}/{operation}", headers, body, dropped=dropped)

    def decoder(self, request: ChatRequest) -> AnswerDecoder:
        """A fresh decoder for one answer."""
        begin = Start("bedrock-" + secrets.token_hex(12), request.model, int(self._clock.now()))
        names = ToolNames(request)
        return ConverseStreamDecoder(begin, names) if request.stream else ConverseDecoder(begin, names)

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
        """Translate an upstream's error answer; see `Provider.failure`."""
        return bedrock_failure(status, headers, body)

    def encode_embeddings(self, request: EmbeddingRequest, *, model: str) -> Sequence[UpstreamCall]:
        """One call for each text on Titan, one for each batch on Cohere; see `EmbeddingProvider`."""
        bodies, dropped = encode_embeddings(request, model=model, drop_params=self._drop_params)
        path = f"/model/{quote(model, safe='')}/invoke"
        return [UpstreamCall(path, self._complete_headers, body, dropped=dropped) for body in bodies]

    def decode_embeddings(self, bodies: Sequence[bytes], request: EmbeddingRequest) -> EmbeddingAnswer:
        """The answer from the bodies of all calls; see `EmbeddingProvider`."""
        return decode_embeddings(bodies, request)
