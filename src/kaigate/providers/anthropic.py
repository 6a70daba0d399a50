"""Anthropic's Messages API, `POST /v1/messages`, and servers that speak it."""

import time
from collections.abc import Callable, Mapping
from typing import Final

from kaigate.chat.request import ChatRequest
from kaigate.errors import GatewayError
from kaigate.providers.anthropic_decode import MessageDecoder, StreamDecoder
from kaigate.providers.anthropic_encode import encode_request
from kaigate.providers.anthropic_events import MessageEvents
from kaigate.providers.anthropic_failures import anthropic_failure
from kaigate.providers.anthropic_headers import VERSION, betas_of, version_of
from kaigate.providers.anthropic_output import json_tool_of
from kaigate.providers.anthropic_tools import FORMAT
from kaigate.providers.provider import AnswerDecoder, Signer, UpstreamCall


class Anthropic:
    """One configured upstream; `api_version` pins `anthropic-version` for clients that speak other formats.

    `anthropic-version` and `anthropic-beta` among the configured headers are joined with what a client may ask for.
    Answers carry no time of their own: `now` (seconds since the epoch) tells that of their beginning.
    """

    format: str = FORMAT
    signer: Signer | None = None

    def __init__(
        self,
        name: str,
        *,
        api_key: str | None = None,
        api_version: str | None = None,
        headers: Mapping[str, str] | None = None,
        drop_params: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.name: str = name
        self._drop_params: Final = drop_params
        self._now: Final = now
        own = {key.lower(): value for key, value in (headers or {}).items()}
        self._version: Final = own.pop("anthropic-version", None) or api_version or VERSION
        self._betas: Final = tuple(beta for part in own.pop("anthropic-beta", "").split(",") if (beta := part.strip()))
        common = [(b"content-type", b"application/json")]
        if api_key:
            common.append((b"x-api-key", api_key.encode()))
        common.extend((key.encode(), value.encode()) for key, value in own.items())
        self._complete_headers: Final = (*common, (b"accept", b"application/json"))
        self._stream_headers: Final = (*common, (b"accept", b"text/event-stream"))

    def encode(self, request: ChatRequest, *, model: str, max_output_tokens: int | None) -> UpstreamCall:
        """Translate a request; see `Provider.encode`."""
        body, dropped = encode_request(
            request, model=model, max_output_tokens=max_output_tokens, drop_params=self._drop_params
        )
        headers = [
            *(self._stream_headers if request.stream else self._complete_headers),
            (b"anthropic-version", version_of(request, self._version).encode()),
        ]
        betas = betas_of(request, self._betas, dropped)
        if betas is not None:
            headers.append((b"anthropic-beta", betas.encode()))
        return UpstreamCall("/v1/messages", headers, body, dropped=tuple(dropped))

    def decoder(self, request: ChatRequest) -> AnswerDecoder:
        """A fresh decoder for one answer."""
        events = MessageEvents(
            created=int(self._now()), hosted=bool(request.hosted_tools), json_tool=json_tool_of(request)
        )
        return StreamDecoder(events) if request.stream else MessageDecoder(events)

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
        """Translate an upstream's error answer; see `Provider.failure`."""
        return anthropic_failure(status, headers, body)
