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
from kaigate.app.routes import GREETING, GREETING_PATH, MODEL_PREFIX, PROBES, ROUTES, grammar, manages
from kaigate.app.runtime import Runtime
from kaigate.errors import GatewayError, RequestInvalidError, UnavailableError
from kaigate.keys.address import ProxyTrust
from kaigate.pipeline.exchange import Exchange
from kaigate.surfaces.not_served import explain

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
# Twice the same of these would let two readers see two different requests.
_ONCE = frozenset(
    (
        b"anthropic-version",
        b"authorization",
        b"content-type",
        b"host",
        b"x-api-key",
        b"x-kaigate-max-cost-usd",
        b"x-kaigate-private",
        b"x-kaigate-user",
    )
)
_BETA = b"anthropic-beta"
_ANTHROPIC = "anthropic_messages"


class DataApp:
    """Serves the requests of the API port."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._routes = {(route.method, route.path): (route.pipeline, route.surface) for route in ROUTES}
        self._allowed = {route.path: route.method for route in ROUTES}
        self._allowed |= dict.fromkeys((*PROBES, GREETING_PATH), b"GET, HEAD")
        self._ids = itertools.count(1)
        self._id_prefix = os.urandom(8).hex()

    async def __call__(self, request: Incoming) -> None:
        runtime, path, method = self._runtime, request.path, request.method
        route = self._routes.get((method, path))
        name: str | None
        name, surface = route if route is not None else (None, grammar(path))
        exchange = self._exchange(request, surface)
        if name is None:
            if method in (b"GET", b"HEAD") and self._probed(exchange, request):
                return
            if manages(path):
                name = "ollama_management"
            elif method == b"GET" and path.startswith(MODEL_PREFIX):
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

    def _probed(self, exchange: Exchange, request: Incoming) -> bool:
        """Answer a probe, if it is one."""
        if request.path in PROBES:
            exchange.status, body = probe(request.path, self._runtime.lifecycle)
            request.send_whole(exchange, body, b"application/json")
            return True
        if request.path == GREETING_PATH:
            exchange.status = 200
            request.send_whole(exchange, GREETING, b"text/plain; charset=utf-8")
            return True
        return False

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
        if surface == _ANTHROPIC:
            # Where Anthropic's clients look for it.
            exchange.response_headers.append((b"request-id", exchange.request_id.encode()))
        if len(exchange.headers) != len(headers):
            exchange.headers = _joined(headers)
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


def _joined(headers: Sequence[tuple[bytes, bytes]]) -> Mapping[bytes, bytes]:
    """The last of each header, but all lines of what is a list (RFC 9110, section 5.3)."""
    betas = [value for name, value in headers if name == _BETA]
    return dict(headers) if not betas else {**dict(headers), _BETA: b", ".join(betas)}


def _address(peer: str, headers: Sequence[tuple[bytes, bytes]], proxies: ProxyTrust) -> str:
    forwarded = [value for name, value in headers if name == b"x-forwarded-for"]
    return proxies.client(peer, b",".join(forwarded) if forwarded else None)
