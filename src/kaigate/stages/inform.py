"""Answers the informative routes: models, configuration, providers, settings."""

from collections.abc import Awaitable, Callable

from kaigate.errors import AccessDeniedError
from kaigate.pipeline.exchange import Exchange
from kaigate.pipeline.principal import Principal
from kaigate.pipeline.stage import Stage

View = Callable[[Principal, str], bytes | Awaitable[bytes]]


class Inform(Stage):
    """The innermost stage of a route whose answer is a view: a JSON body for a caller and the path's argument.

    A view that has to wait, for a store that it asks, returns an awaitable.
    """

    def __init__(self, view: View) -> None:
        self._view = view

    def enter(self, exchange: Exchange) -> Awaitable[None] | None:
        if exchange.principal is None:
            raise AccessDeniedError("invalid_api_key", "The request was not authenticated.")
        body = self._view(exchange.principal, exchange.argument)
        if not isinstance(body, bytes):
            return _later(exchange, body)
        exchange.static_body = body
        return None


async def _later(exchange: Exchange, waiting: Awaitable[bytes]) -> None:
    exchange.static_body = await waiting
