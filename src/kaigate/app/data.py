"""The API port: a raw ASGI application that turns each request into an exchange.

No route is served without its pipeline; the probes are the only paths without a key.
"""

import itertools
import os
import re
from collections.abc import Sequence

from kaigate.app.client import AsgiClient, Receive, Scope, Send
from kaigate.app.health import probe
from kaigate.app.reply import AsgiReply
from kaigate.app.routes import MODEL_PREFIX, PROBES, ROUTES
from kaigate.app.runtime import Runtime
from kaigate.errors import GatewayError, RequestInvalidError, UnavailableError
from kaigate.keys.address import ProxyTrust
from kaigate.pipeline.exchange import Exchange
from kaigate.surfaces.not_served import explain

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
# Twice the same of these would let two readers see two different requests.
_ONCE = frozenset((b"authorization", b"x-api-key", b"content-type", b"host", b"x-kaigate-private"))


class DataApp:
    """The ASGI application of the API port."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._routes = {(route.method, route.path): route.pipeline for route in ROUTES}
        self._paths = {route.path for route in ROUTES}
        self._ids = itertools.count(1)
        self._id_prefix = os.urandom(8).hex()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: bytes = scope["raw_path"]
        method: str = scope["method"]
        runtime = self._runtime
        if path in PROBES and method in ("GET", "HEAD"):
            await probe(path, runtime.lifecycle, send)
            return
        name: str | None = self._routes.get((method, path))
        argument = ""
        if name is None and method == "GET" and path.startswith(MODEL_PREFIX):
            name, argument = "model", scope["path"][len(MODEL_PREFIX) :]
        exchange, client, reply = self._open(scope, receive, send)
        exchange.argument = argument
        runtime.lifecycle.begin()
        try:
            refusal = self._refusal(method, path, name, scope["headers"])
            if refusal is not None:
                await self._refuse(exchange, reply, refusal)
            elif name is not None:
                await runtime.snapshot.pipelines[name].run(exchange, reply)
        finally:
            client.close()
            runtime.lifecycle.end()

    def _open(self, scope: Scope, receive: Receive, send: Send) -> tuple[Exchange, AsgiClient, AsgiReply]:
        runtime = self._runtime
        snapshot = runtime.snapshot
        headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
        client = AsgiClient(receive, _address(scope["client"], headers, snapshot.proxies))
        exchange = Exchange(
            request_id="",
            surface=snapshot.surface,
            client=client,
            headers=headers,
            started_at=runtime.clock.monotonic(),
        )
        given = exchange.headers.get(b"x-request-id")
        if given is not None and _REQUEST_ID.fullmatch(given):
            exchange.request_id = given.decode()
        else:
            exchange.request_id = f"{self._id_prefix}-{next(self._ids):x}"
        reply = AsgiReply(
            send,
            client,
            runtime.clock,
            write_timeout_s=snapshot.config.server.write_timeout_s,
            closing=runtime.lifecycle.closing,
        )
        return exchange, client, reply

    def _refusal(
        self, method: str, path: bytes, pipeline: str | None, headers: Sequence[tuple[bytes, bytes]]
    ) -> GatewayError | None:
        """Why this request enters no pipeline, if so."""
        if self._runtime.lifecycle.refusing:
            return UnavailableError("draining", "This replica is shutting down: try again.", retry_after=1)
        if pipeline is None:
            if path in self._paths:
                allowed = "POST" if method == "GET" else "GET"
                return RequestInvalidError("method_not_allowed", f"Use {allowed} for this path.")
            return explain(method, path.decode("ascii", "replace"))
        names = [name for name, _ in headers if name in _ONCE]
        if len(names) != len(set(names)):
            return RequestInvalidError("invalid_request", "A header that must be sent once was sent twice.")
        return None

    async def _refuse(self, exchange: Exchange, reply: AsgiReply, error: GatewayError) -> None:
        exchange.error = error
        exchange.status = error.status
        self._runtime.metrics.refused.labels(error.code).inc()
        await reply.send_whole(exchange, exchange.surface.error(error, exchange.request_id), b"application/json")


def _address(peer: tuple[str, int] | None, headers: Sequence[tuple[bytes, bytes]], proxies: ProxyTrust) -> str:
    if peer is None:
        return ""
    forwarded = [value for name, value in headers if name == b"x-forwarded-for"]
    return proxies.client(peer[0], b",".join(forwarded) if forwarded else None)
