"""Finds out who is calling, from the headers alone: a stranger's body is never read."""

from collections.abc import Awaitable
from typing import NoReturn

from kaigate.errors import AccessDeniedError
from kaigate.keys.bearer import find
from kaigate.keys.directory import KeyDirectory
from kaigate.keys.jwt import JwtVerifier
from kaigate.keys.keyring import Keyring
from kaigate.keys.throttle import FailureThrottle
from kaigate.pipeline.exchange import Exchange
from kaigate.pipeline.principal import Principal
from kaigate.pipeline.stage import Stage
from kaigate.telemetry.metrics import Metrics

_REMEDY = "Send it as 'Authorization: Bearer <key>' or 'x-api-key: <key>'."


class Authenticate(Stage):
    """A failed authentication is final: it never falls back to anonymous access."""

    def __init__(
        self,
        keyring: Keyring,
        throttle: FailureThrottle,
        metrics: Metrics,
        *,
        directory: KeyDirectory | None = None,
        tokens: JwtVerifier | None = None,
    ) -> None:
        """`directory` knows the virtual keys, `tokens` those of an identity provider; None where there are none."""
        self._keyring = keyring
        self._directory = directory
        self._tokens = tokens
        self._throttle = throttle
        self._failures = {
            reason: metrics.auth_failures.labels(reason) for reason in ("missing", "invalid", "throttled")
        }

    def enter(self, exchange: Exchange) -> Awaitable[None] | None:
        presented = _presented(exchange)
        if presented is None:
            anonymous = self._keyring.anonymous
            if anonymous is None:
                self._failures["missing"].inc()
                raise AccessDeniedError("invalid_api_key", f"No API key was sent. {_REMEDY}")
            exchange.principal = anonymous
            return None
        principal = self._keyring.authenticate(presented)
        if principal is None:
            found = find(presented, exchange.client.address, self._directory, self._tokens)
            if found is not None and not isinstance(found, Principal):
                return self._later(exchange, found)
            principal = found
        self._decide(exchange, principal)
        return None

    async def _later(self, exchange: Exchange, waiting: Awaitable[Principal | None]) -> None:
        self._decide(exchange, await waiting)

    def _decide(self, exchange: Exchange, principal: Principal | None) -> None:
        if principal is None:
            self._reject(exchange.client.address)
        exchange.principal = principal

    def _reject(self, address: str) -> NoReturn:
        try:
            self._throttle.failed(address)
        except Exception:
            self._failures["throttled"].inc()
            raise
        self._failures["invalid"].inc()
        raise AccessDeniedError("invalid_api_key", f"This API key is not valid here. {_REMEDY}")


def _presented(exchange: Exchange) -> bytes | None:
    """The key that was sent; both headers may be used, since clients of different vendors differ."""
    authorization, plain = exchange.headers.get(b"authorization"), exchange.headers.get(b"x-api-key")
    if authorization is None:
        return plain
    scheme, _, token = authorization.partition(b" ")
    if scheme.lower() != b"bearer":
        raise AccessDeniedError("invalid_api_key", f"Only bearer keys are accepted. {_REMEDY}")
    token = token.strip()
    if plain is not None and plain != token:
        # Which of them counts would be a guess, and another reader on the way may guess otherwise.
        raise AccessDeniedError("invalid_api_key", f"Two different API keys were sent. {_REMEDY}")
    return token
