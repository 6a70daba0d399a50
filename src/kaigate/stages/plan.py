"""Chooses the candidates that may serve this exchange."""

from kaigate.errors import AccessDeniedError, UnavailableError
from kaigate.pipeline.exchange import Exchange
from kaigate.pipeline.plan import RoutePlan
from kaigate.pipeline.stage import Stage
from kaigate.routing.catalogue import Catalogue


class Plan(Stage):
    """Computed once per exchange; a private exchange keeps only private candidates."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def enter(self, exchange: Exchange) -> None:
        exchange.plan = plan_for(exchange, self._catalogue)


def plan_for(exchange: Exchange, catalogue: Catalogue) -> RoutePlan:
    """The candidates of an authorised exchange: of its zone, and of the providers that its key may use.

    Raises `UnavailableError` and `AccessDeniedError` where none is left.
    """
    if exchange.entry is None:
        raise UnavailableError("internal_error", "The request was not authorised.")
    plan = catalogue.plan(exchange.entry, private=exchange.private)
    caller = exchange.principal
    if caller is None or caller.providers is None:
        return plan
    candidates = tuple(item for item in plan.candidates if item.provider.name in caller.providers)
    if not candidates:
        raise AccessDeniedError(
            "model_not_allowed", "This key may use none of the providers that serve this model.", param="model"
        )
    return RoutePlan(candidates, plan.excluded)
