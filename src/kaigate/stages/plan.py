"""Chooses the candidates that may serve this exchange."""

from kaigate.errors import UnavailableError
from kaigate.pipeline.exchange import Exchange
from kaigate.pipeline.stage import Stage
from kaigate.routing.catalogue import Catalogue


class Plan(Stage):
    """Computed once per exchange; a private exchange keeps only private candidates."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def enter(self, exchange: Exchange) -> None:
        if exchange.entry is None:
            raise UnavailableError("internal_error", "The request was not authorised.")
        exchange.plan = self._catalogue.plan(exchange.entry, private=exchange.private)
