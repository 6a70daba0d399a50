"""Reads the body within its bounds and decodes it to what the pipeline serves."""

from collections.abc import Callable
from typing import Final

from kaigate.errors import RequestInvalidError
from kaigate.pipeline.exchange import Exchange
from kaigate.pipeline.stage import Stage

Take = Callable[[Exchange, bytes], None]
"""Decodes a body into the exchange; raises `RequestInvalidError` naming the field and the remedy."""

_ANY_TYPE: Final = frozenset({"ollama_chat", "ollama_generate"})
"""Formats whose clients send JSON as whatever their tool says: Ollama's own examples are `curl -d`, a form's type.

A web page may send a form's type to anywhere without being asked, and then names its origin: that is refused, so that
a gateway without keys on this machine is not used by every page that its user opens.
"""


def take_chat(exchange: Exchange, body: bytes) -> None:
    """A chat request, in the format of the exchange's surface."""
    exchange.request = exchange.surface.decode(body, exchange.headers)


class Parse(Stage):
    """Bounded read, then the decoder; from here on the client's connection is watched."""

    def __init__(self, take: Take = take_chat, *, max_body_bytes: int, body_timeout_s: float) -> None:
        self._take = take
        self._max_body_bytes = max_body_bytes
        self._body_timeout_s = body_timeout_s

    async def enter(self, exchange: Exchange) -> None:
        _check_content_type(exchange)
        body = await exchange.client.read_body(limit=self._max_body_bytes, timeout_s=self._body_timeout_s)
        self._take(exchange, body)
        exchange.client.watch(exchange.left)


def _check_content_type(exchange: Exchange) -> None:
    # A missing type is accepted as JSON, as OpenAI does; a form or a multipart body is never guessed at.
    value = exchange.headers.get(b"content-type")
    if value is None or value == b"application/json":
        return
    if exchange.surface.format in _ANY_TYPE and b"origin" not in exchange.headers:
        return
    kind, _, parameters = value.lower().partition(b";")
    charset = parameters.strip().replace(b'"', b"")
    if kind.strip() != b"application/json" or charset not in (b"", b"charset=utf-8"):
        raise RequestInvalidError(
            "unsupported_media_type", "The body must be JSON: send 'Content-Type: application/json'."
        )
