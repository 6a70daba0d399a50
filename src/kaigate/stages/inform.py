"""Answers the informative routes: models, configuration, providers, settings."""

from collections.abc import Callable

from kaigate.errors import AccessDeniedError
from kaigate.pipeline.exchange import Exchange
from kaigate.pipeline.principal import Principal
from kaigate.pipeline.stage import Stage

View = Callable[[Principal, str], bytes]


class Inform(Stage):
    """The innermost stage of a route whose answer is a view: a JSON body for a caller and the path's argument."""

    def __init__(self, view: View) -> None:
        self._view = view

    def enter(self, exchange: Exchange) -> None:
        if exchange.principal is None:
            raise AccessDeniedError("invalid_api_key", "The request was not authenticated.")
        exchange.static_body = self._view(exchange.principal, exchange.argument)
