"""Writes answers to an ASGI connection, with the contract's headers."""

from kaigate.app.client import AsgiClient, Send
from kaigate.app.stepping import bounded
from kaigate.clock import Clock
from kaigate.pipeline.exchange import ClientGoneError, Exchange

_CLOSE = (b"connection", b"close")


class AsgiReply:
    """One answer. A client that takes nothing for `write_timeout_s` seconds is cut off."""

    __slots__ = ("_client", "_clock", "_closing", "_send", "_write_timeout_s", "aborted", "started")

    def __init__(
        self, send: Send, client: AsgiClient, clock: Clock, *, write_timeout_s: float, closing: bool = False
    ) -> None:
        self._send = send
        self._client = client
        self._clock = clock
        self._write_timeout_s = write_timeout_s
        self._closing = closing
        self.started = False
        self.aborted = False

    async def send_whole(self, exchange: Exchange, body: bytes, content_type: bytes) -> None:
        """Send status, headers and the complete body."""
        headers = self._headers(exchange, content_type)
        headers.append((b"content-length", b"%d" % len(body)))
        if exchange.redactions:
            headers.append((b"x-kaigate-redactions", b"%d" % sum(exchange.redactions.values())))
        self.started = True
        await self._send({"type": "http.response.start", "status": exchange.status, "headers": headers})
        await self._deliver({"type": "http.response.body", "body": body})
        self._client.close()

    async def write(self, exchange: Exchange, data: bytes, content_type: bytes) -> None:
        """Send a part of a stream; waits for a slow client, which is what slows the upstream down."""
        exchange.last_token_at = self._clock.monotonic()
        exchange.chunks += 1
        if not self.started:
            self.started = True
            exchange.first_token_at = exchange.last_token_at
            headers = self._headers(exchange, content_type)
            headers.append((b"cache-control", b"no-store"))
            # Proxies in front that buffer answers (nginx) would turn the stream into one late block.
            headers.append((b"x-accel-buffering", b"no"))
            await self._send({"type": "http.response.start", "status": exchange.status, "headers": headers})
        await self._deliver({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self) -> None:
        """End a stream."""
        await self._deliver({"type": "http.response.body", "body": b""})
        self._client.close()

    def abort(self) -> None:
        """Leave the answer incomplete: the server then cuts the connection, which the client can't mistake."""
        self.aborted = True

    async def _deliver(self, message: dict[str, object]) -> None:
        try:
            await bounded(self._send(message), self._write_timeout_s)
        except TimeoutError:
            raise ClientGoneError from None

    def _headers(self, exchange: Exchange, content_type: bytes) -> list[tuple[bytes, bytes]]:
        headers = [(b"content-type", content_type), (b"x-request-id", exchange.request_id.encode())]
        if exchange.deployment is not None and exchange.error is None:
            headers.append((b"x-kaigate-provider", exchange.deployment.provider.name.encode()))
            headers.append((b"x-kaigate-model", exchange.deployment.model.encode()))
        if exchange.dropped_params:
            headers.append((b"x-kaigate-dropped-params", ",".join(exchange.dropped_params).encode()))
        if exchange.error is not None:
            if exchange.error.retry_after is not None:
                headers.append((b"retry-after", b"%d" % max(1, round(exchange.error.retry_after))))
            if exchange.error.code == "invalid_api_key":
                headers.append((b"www-authenticate", b"Bearer"))
        headers.extend(exchange.response_headers)
        if self._closing:
            headers.append(_CLOSE)
        return headers
