"""The API port's application: turns each request into an exchange and gives it to its pipeline.

No route is served without its pipeline; the probes are the only paths without a key.
"""

import itertools
import os
import re
from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from kaigate.app.health import probe
from kaigate.app.incoming import Incoming
from kaigate.app.refusals import Refusal
from kaigate.app.routes import MODEL_PREFIX, PROBES, ROUTES, grammar
from kaigate.app.runtime import Runtime
from kaigate.errors import GatewayError, RequestInvalidError, UnavailableError
from kaigate.keys.address import ProxyTrust
from kaigate.pipeline.exchange import Exchange
from kaigate.surfaces.not_served import explain

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
# Twice the same of these would let two readers see two different requests.
_ONCE = frozenset(
    (b"authorization", b"x-api-key", b"content-type", b"host", b"x-kaigate-private", b"x-kaigate-max-cost-usd")
)


class DataApp:
    """Serves the requests of the API port."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._routes = {(route.method, route.path): (route.pipeline, route.surface) for route in ROUTES}
        self._allowed = {route.path: route.method for route in ROUTES} | dict.fromkeys(PROBES, b"GET, HEAD")
        self._ids = itertools.count(1)
        self._id_prefix = os.urandom(8).hex()

    async def __call__(self, request: Incoming) -> None:
        runtime, path, method = self._runtime, request.path, request.method
        route = self._routes.get((method, path))
        name: str | None
        name, surface = route if route is not None else (None, grammar(path))
        exchange = self._exchange(request, surface)
        if name is None:
            if path in PROBES and method in (b"GET", b"HEAD"):
                exchange.status, body = probe(path, runtime.lifecycle)
                request.send_whole(exchange, body, b"application/json")
                return
            if method == b"GET" and path.startswith(MODEL_PREFIX):
                name, exchange.argument = "model", unquote(path[len(MODEL_PREFIX) :].decode("latin-1"))
        runtime.lifecycle.begin()
        try:
            refusal = self._refusal(request, exchange.headers, name)
            if refusal is not None:
                self._refuse(exchange, request, refusal)
            elif name is not None:
                await runtime.snapshot.pipelines[name].run(exchange, request)
        finally:
            runtime.lifecycle.end()

    def refused(self, refusal: Refusal, address: str) -> None:
        """A connection's server refused what was no request yet."""
        self._runtime.snapshot.refusals.connection(refusal, address)

    def _exchange(self, request: Incoming, surface: str) -> Exchange:
        snapshot, headers = self._runtime.snapshot, request.headers
        if snapshot.proxies:
            request.address = _address(request.address, headers, snapshot.proxies)
        exchange = Exchange(
            request_id="",
            surface=snapshot.surfaces[surface],
            client=request,
            headers=headers,
            started_at=self._runtime.clock.monotonic(),
        )
        # Every stage asks for these two: its own attributes are found faster than those of its class.
        exchange.answer = exchange.static_body = None
        given = exchange.headers.get(b"x-request-id")
        if given is not None and _REQUEST_ID.fullmatch(given):
            exchange.request_id = given.decode()
        else:
            exchange.request_id = f"{self._id_prefix}-{next(self._ids):x}"
        return exchange

    def _refusal(self, request: Incoming, headers: Mapping[bytes, bytes], pipeline: str | None) -> GatewayError | None:
        """Why this request enters no pipeline, if so."""
        if self._runtime.lifecycle.state == "refusing":
            return UnavailableError("draining", "This replica is shutting down: try again.", retry_after=1)
        if pipeline is None:
            return explain(request.method.decode("latin-1"), request.path.decode("latin-1"))
        if len(headers) != len(request.headers):
            names = [name for name, _ in request.headers if name in _ONCE]
            if len(names) != len(set(names)):
                return RequestInvalidError("invalid_request", "A header that must be sent once was sent twice.")
        if request.speaks_chunks and b"host" not in headers:
            return RequestInvalidError("invalid_request", "An HTTP/1.1 request needs a Host header.")
        return None

    def _refuse(self, exchange: Exchange, request: Incoming, error: GatewayError) -> None:
        exchange.error = error
        exchange.status = error.status
        if error.code == "method_not_allowed":
            # RFC 9110, section 15.5.6.
            exchange.response_headers.append((b"allow", self._allowed.get(request.path, b"GET")))
        self._runtime.metrics.refused.labels(error.code).inc()
        request.send_whole(exchange, exchange.surface.error(error, exchange.request_id), b"application/json")
        self._runtime.snapshot.refusals.request(exchange)


def _address(peer: str, headers: Sequence[tuple[bytes, bytes]], proxies: ProxyTrust) -> str:
    forwarded = [value for name, value in headers if name == b"x-forwarded-for"]
    return proxies.client(peer, b",".join(forwarded) if forwarded else None)
