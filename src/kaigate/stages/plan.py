"""Computes the route plan of an exchange, once."""

from typing import Final

from kaigate.errors import RequestInvalidError, UnavailableError
from kaigate.money import from_usd
from kaigate.pipeline.exchange import Exchange
from kaigate.pipeline.plan import ModelEntry, RoutePlan
from kaigate.pipeline.stage import Stage
from kaigate.routing.explain import header
from kaigate.routing.planner import Demand, Planner
from kaigate.routing.refusals import refusal
from kaigate.tokens.estimate import estimate

_MAX_COST: Final = b"x-kaigate-max-cost-usd"
_DEBUG: Final = b"x-kaigate-route-debug"
_MAX_DIGITS: Final = 32


class Plan(Stage):
    """Refuses where nobody may serve the request; a master key may ask for the plan in `x-kaigate-route`."""

    def __init__(self, planner: Planner, *, default_output_tokens: int) -> None:
        """`default_output_tokens` is what an answer is taken to have at most where nothing bounds it."""
        self._planner = planner
        self._default_output = default_output_tokens

    def enter(self, exchange: Exchange) -> None:
        request, entry = exchange.request, exchange.entry
        if request is None or entry is None:
            raise UnavailableError("internal_error", "The request was not authorised.")
        headers = exchange.headers
        limited = _MAX_COST in headers
        plan = None
        if not limited:
            plan = self._planner.quick(entry, request, exchange.principal, private=exchange.private)
        if plan is None:
            plan = self._decided(exchange, entry)
        caller = exchange.principal
        if _DEBUG in headers and caller is not None and caller.master and headers[_DEBUG].lower() == b"true":
            exchange.response_headers.append((b"x-kaigate-route", header(plan)))
        if not plan.candidates:
            raise refusal(plan, cost_header=limited)
        exchange.plan = plan

    def _decided(self, exchange: Exchange, entry: ModelEntry) -> RoutePlan:
        request = exchange.request
        if request is None:
            raise UnavailableError("internal_error", "The request was not parsed.")

        def tokens() -> int:
            if not exchange.input_tokens:
                exchange.input_tokens = estimate(request)
            return exchange.input_tokens

        output = exchange.output_ceiling
        demand = Demand(
            request=request,
            caller=exchange.principal,
            private=exchange.private,
            tokens=tokens,
            output_tokens=(self._default_output if output is None else output) * (request.sampling.n or 1),
            max_cost=_max_cost(exchange),
            longest=exchange.longest_input,
        )
        return self._planner.plan(entry, demand)


def _max_cost(exchange: Exchange) -> int | None:
    """Nano-dollars that the client allows for this request."""
    value = exchange.headers.get(_MAX_COST)
    if value is None:
        return None
    try:
        if len(value) > _MAX_DIGITS:
            raise ValueError  # noqa: TRY301 -- one message for whatever is wrong
        amount = from_usd(value.decode("ascii"))
    except ValueError:
        amount = -1
    if amount < 0:
        raise RequestInvalidError(
            "invalid_request",
            "The header x-kaigate-max-cost-usd must be an amount in dollars, such as 0.05.",
            param="x-kaigate-max-cost-usd",
        )
    return amount
