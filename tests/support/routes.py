"""Catalogues, planners and demands for tests of routing."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from kaigate.chat.request import ChatRequest
from kaigate.config.models import GatewayConfig
from kaigate.pipeline.plan import Deployment, RoutePlan
from kaigate.pipeline.principal import Principal
from kaigate.providers import registry
from kaigate.routing.catalogue import Catalogue
from kaigate.routing.digests import DigestBook
from kaigate.routing.health import HealthBook
from kaigate.routing.ordering import Ordering
from kaigate.routing.planner import Demand, Planner
from kaigate.routing.upstream import build_upstream
from support.clocks import ManualClock
from support.exchanges import chat_request

PROVIDERS: Mapping[str, Any] = {
    "near": {"type": "ollama"},
    "near2": {"type": "llamacpp"},
    "far": {"type": "openai"},
    "far2": {"type": "groq"},
}
ANYONE = Principal(key_id="k", name="anyone")


def config_of(models: Mapping[str, Any], providers: Mapping[str, Any] | None = None, **routing: Any) -> GatewayConfig:
    """A configuration written as the file would have it."""
    given = {"models": models, "providers": providers or PROVIDERS, "routing": routing}
    return GatewayConfig.model_validate(_tuples(given))


def catalogue_of(config: GatewayConfig) -> Catalogue:
    """The catalogue of a configuration, without secrets."""
    built = {
        name: build_upstream(settings, registry.build(name, settings.type), registry.ROWS[settings.type])
        for name, settings in config.providers.items()
    }
    return Catalogue.build(config, built)


class Routes:
    """A planner with what it needs, all of it at hand."""

    def __init__(
        self,
        models: Mapping[str, Any],
        *,
        providers: Mapping[str, Any] | None = None,
        prices: Mapping[str, int | None] | None = None,
        seed: int = 1,
        **routing: Any,
    ) -> None:
        """`prices` are nano-dollars per token by `provider/model`."""
        self.clock = ManualClock()
        self.config = config_of(models, providers, **routing)
        self.catalogue = catalogue_of(self.config)
        self.health = HealthBook(self.clock, self.config.routing.breaker, random=Random(seed))
        self._prices = prices or {}
        self.priced: list[str] = []
        self.digests = DigestBook()
        self.planner = Planner(
            self.catalogue,
            self.health,
            self._cost_at,
            ordering=Ordering(self.health, Random(seed)),
            digests=self.digests,
        )

    def _cost_at(self, deployment: Deployment, tokens_in: int, tokens_out: int) -> int | None:
        self.priced.append(deployment.name)
        price = self._prices.get(deployment.name)
        return None if price is None else price * (tokens_in + tokens_out)

    def plan(
        self,
        model: str = "m",
        request: ChatRequest | None = None,
        caller: Principal | None = ANYONE,
        *,
        private: bool = False,
        tokens: int | Callable[[], int] = 100,
        output_tokens: int = 100,
        max_cost: int | None = None,
    ) -> RoutePlan:
        """The plan that a request gets, in the long way."""
        demand = Demand(
            request=request or chat_request(),
            caller=caller,
            private=private,
            tokens=(lambda: tokens) if isinstance(tokens, int) else tokens,
            output_tokens=output_tokens,
            max_cost=max_cost,
        )
        return self.planner.plan(self.catalogue.resolve(model), demand)

    def quick(self, model: str = "m", caller: Principal | None = ANYONE, *, private: bool = False) -> RoutePlan | None:
        """The plan that needs no look at the request."""
        return self.planner.quick(self.catalogue.resolve(model), chat_request(), caller, private=private)

    def deployment(self, name: str, model: str = "m") -> Deployment:
        """A deployment of a model by its name."""
        return next(item for item in self.catalogue.resolve(model).deployments if item.name == name)


def names(plan: RoutePlan | None) -> list[str]:
    """Who is asked, in order."""
    return [] if plan is None else [item.name for item in plan.candidates]


def kinds(plan: RoutePlan) -> dict[str, str]:
    """What excluded the others."""
    return {f"{item.provider}/{item.model}": item.kind for item in plan.excluded}


def on(*deployments: str, **settings: Any) -> dict[str, Any]:
    """A model on `provider/model` deployments."""
    made = [dict(zip(("provider", "model"), item.split("/", 1), strict=True)) for item in deployments]
    return {"deployments": made, **settings}


def _tuples(value: Any) -> Any:
    """Lists as tuples, as strict sections want them."""
    if isinstance(value, Mapping):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(_tuples(item) for item in value) if isinstance(value, list | tuple) else value
