"""The route plan of a request: who may serve it, in which order, and what excluded the others.

What depends on model, key and zone alone is worked out once and remembered; most requests need no more than that.
"""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from kaigate.chat.request import ChatRequest
from kaigate.config.routing_settings import Strategy
from kaigate.money import to_usd
from kaigate.pipeline.plan import Deployment, Exclusion, ModelEntry, Need, Pin, RoutePlan
from kaigate.pipeline.principal import Principal
from kaigate.routing.catalogue import Catalogue, remember
from kaigate.routing.digests import WHY, DigestBook
from kaigate.routing.eligibility import content_exclusion, excluded, standing_exclusion
from kaigate.routing.health import HealthBook
from kaigate.routing.needs import NOTHING, needs_of
from kaigate.routing.ordering import Ordering

CostAt = Callable[[Deployment, int, int], int | None]
"""Nano-dollars that a call of at most so many input and output tokens costs; None where the price is not known."""

Key = tuple[str, bool, tuple[str, ...] | None, tuple[str, ...] | None]


class Tier(msgspec.Struct, frozen=True):
    """Deployments of one entry and one `order`; one of `too_long` is asked only where others can't hold the input."""

    deployments: tuple[Deployment, ...]
    strategy: Strategy
    too_long: bool = False


class Route(msgspec.Struct, frozen=True):
    """What is the same for every request of one model, zone and kind of key.

    `fixed` is the plan where nothing else matters but that the digests of `pinned` hold. `considers` are the needs
    that any candidate may fail.
    """

    tiers: tuple[Tier, ...]
    excluded: tuple[Exclusion, ...]
    fixed: RoutePlan | None
    considers: frozenset[Need]
    pinned: tuple[Pin, ...] = ()


class Demand(msgspec.Struct, frozen=True):
    """What one request asks for. `tokens` counts its input, once it matters; `max_cost` is in nano-dollars.

    `output_tokens` is what it may generate at most, all choices together. `longest` are the tokens of its longest input
    where there are several that have a window each.
    """

    request: ChatRequest
    caller: Principal | None
    private: bool
    tokens: Callable[[], int]
    output_tokens: int
    max_cost: int | None = None
    longest: int | None = None


class Planner:
    """Plans for one configuration snapshot; `cost_at` knows the prices."""

    __slots__ = ("_catalogue", "_cost_at", "_digests", "_health", "_ordering", "_routes")

    def __init__(
        self,
        catalogue: Catalogue,
        health: HealthBook,
        cost_at: CostAt,
        *,
        ordering: Ordering | None = None,
        digests: DigestBook | None = None,
    ) -> None:
        """Without `digests` no pinned deployment is served."""
        self._catalogue = catalogue
        self._health = health
        self._cost_at = cost_at
        self._digests = digests or DigestBook()
        self._ordering = ordering or Ordering(health)
        self._routes: dict[Key, Route] = {}

    def quick(
        self, entry: ModelEntry, request: ChatRequest, caller: Principal | None, *, private: bool
    ) -> RoutePlan | None:
        """The plan, where it depends on nothing but model, zone and key, and everybody is well; else None."""
        health = self._health
        if request.hosted_tools or health.troubled or health.down:
            return None
        route = self._route(entry, caller, private=private)
        if route.pinned and any(map(self._digests.doubt, route.pinned)):
            return None
        return route.fixed

    def plan(self, entry: ModelEntry, demand: Demand) -> RoutePlan:
        """The plan of any request; without candidates where nobody may serve it."""
        route = self._route(entry, demand.caller, private=demand.private)
        needs = needs_of(demand.request) if route.considers else NOTHING
        check = _Check(self._health, self._digests, self._cost_at, demand, needs, entry.max_cost)
        candidates: list[Deployment] = []
        exclusions = list(route.excluded)
        too_long = False
        seen: set[tuple[str, str]] = set()
        for tier in route.tiers:
            if tier.too_long and not too_long:
                continue
            kept: list[Deployment] = []
            for deployment in tier.deployments:
                # A model may stand in for what is too long, and again for what fails.
                place = (deployment.label, deployment.name)
                if place in seen:
                    continue
                seen.add(place)
                reason = check(deployment)
                if reason is None:
                    kept.append(deployment)
                else:
                    exclusions.append(reason)
                    too_long = too_long or reason.kind == "context"
            ordered = self._ordering.ordered(tier.strategy, kept, check.cost, stream=demand.request.stream)
            candidates.extend(ordered)
        return RoutePlan(tuple(candidates), tuple(exclusions))

    def _route(self, entry: ModelEntry, caller: Principal | None, *, private: bool) -> Route:
        chained = entry.fallbacks or entry.context_fallbacks
        key = (
            entry.name,
            private or entry.private,
            caller.providers if caller is not None else None,
            caller.models if caller is not None and chained else None,
        )
        route = self._routes.get(key)
        if route is None:
            route = remember(self._routes, key, self._laid(entry, caller, private=key[1]))
        return route

    def _laid(self, entry: ModelEntry, caller: Principal | None, *, private: bool) -> Route:
        tiers: list[Tier] = []
        exclusions: list[Exclusion] = []
        for each, too_long in self._chain(entry):
            if each is not entry and caller is not None and not caller.may_use(each.name):
                exclusions += [excluded(item, "model", "the key may not use this model") for item in each.deployments]
                continue
            kept: list[Deployment] = []
            for deployment in each.deployments:
                reason = standing_exclusion(deployment, caller, private=private or each.private)
                if reason is None:
                    kept.append(deployment)
                else:
                    exclusions.append(reason)
            tiers.extend(_tiers(kept, each.strategy, too_long=too_long))
        return _route(tiers, exclusions, entry)

    def _chain(self, entry: ModelEntry) -> Iterator[tuple[ModelEntry, bool]]:
        """The entry, and those that stand in for it, each once: first for what is too long, then for what fails."""
        seen: set[tuple[str, bool]] = set()

        def walk(current: ModelEntry, *, too_long: bool) -> Iterator[tuple[ModelEntry, bool]]:
            if (current.name, False) in seen or (current.name, too_long) in seen:
                return
            seen.add((current.name, too_long))
            yield current, too_long
            for name in current.context_fallbacks:
                yield from walk(self._catalogue.named(name), too_long=True)
            for name in current.fallbacks:
                yield from walk(self._catalogue.named(name), too_long=too_long)

        return walk(entry, too_long=False)


class _Check:
    """The rules that depend on one request; counts and prices once, and only where one matters."""

    __slots__ = ("_cost_at", "_costs", "_demand", "_digests", "_health", "_max_cost", "_needs")

    def __init__(  # noqa: PLR0917 -- what the rules ask, in their order
        self,
        health: HealthBook,
        digests: DigestBook,
        cost_at: CostAt,
        demand: Demand,
        needs: frozenset[Need],
        max_cost: int | None,
    ) -> None:
        self._health = health
        self._digests = digests
        self._cost_at = cost_at
        self._demand = demand
        self._needs = needs
        ceilings = [amount for amount in (max_cost, demand.max_cost) if amount is not None]
        self._max_cost = min(ceilings) if ceilings else None
        self._costs: dict[str, int | None] = {}

    def __call__(self, deployment: Deployment) -> Exclusion | None:
        demand = self._demand
        return (
            content_exclusion(deployment, demand.request.hosted_tools, demand.caller, self._needs)
            or self._too_long(deployment)
            or self._too_dear(deployment)
            or self._not_as_pinned(deployment)
            or self._unwell(deployment)
        )

    def cost(self, deployment: Deployment) -> int | None:
        """The most that the request costs there."""
        key = f"{deployment.label} {deployment.name}"
        if key not in self._costs:
            demand = self._demand
            output = demand.output_tokens
            if deployment.max_tokens is not None:
                output = min(output, deployment.max_tokens * (demand.request.sampling.n or 1))
            self._costs[key] = self._cost_at(deployment, demand.tokens(), output)
        return self._costs[key]

    def _too_long(self, deployment: Deployment) -> Exclusion | None:
        windows = [size for size in (deployment.context_tokens, deployment.max_input_tokens) if size is not None]
        if not windows:
            return None
        demand, most = self._demand, min(windows)
        tokens = demand.tokens() if demand.longest is None else demand.longest
        if tokens <= most:
            return None
        return excluded(deployment, "context", f"about {tokens} input tokens do not fit into {most}")

    def _too_dear(self, deployment: Deployment) -> Exclusion | None:
        most = self._max_cost
        if most is None:
            return None
        cost = self.cost(deployment)
        if cost is None:
            return excluded(deployment, "cost", "its price is not known, and the cost of this request is limited")
        if cost <= most:
            return None
        return excluded(deployment, "cost", f"may cost ${to_usd(cost)}, above the ceiling of ${to_usd(most)}")

    def _not_as_pinned(self, deployment: Deployment) -> Exclusion | None:
        doubt = None if deployment.pin is None else self._digests.doubt(deployment.pin)
        return None if doubt is None else excluded(deployment, "digest", WHY[doubt])

    def _unwell(self, deployment: Deployment) -> Exclusion | None:
        if deployment.provider.name in self._health.down:
            return excluded(deployment, "unhealthy", "its health check fails")
        wait_s = self._health.wait_s(deployment)
        if not wait_s:
            return None
        return excluded(deployment, "circuit", "it failed too often and is left alone", wait_s=wait_s)


def _tiers(deployments: Iterable[Deployment], strategy: Strategy, *, too_long: bool) -> Iterator[Tier]:
    by_order: dict[int, list[Deployment]] = {}
    for deployment in deployments:
        by_order.setdefault(deployment.order, []).append(deployment)
    for order in sorted(by_order):
        yield Tier(tuple(by_order[order]), strategy, too_long)


def _route(tiers: list[Tier], exclusions: list[Exclusion], entry: ModelEntry) -> Route:
    considers: set[Need] = set()
    fixed = entry.max_cost is None
    for tier in tiers:
        for item in tier.deployments:
            considers |= item.lacks | item.blocks
            own = item.max_input_tokens if item.label != entry.label else None
            fixed = fixed and item.context_tokens is None and own is None
        fixed = fixed and not tier.too_long and (len(tier.deployments) == 1 or tier.strategy == "ordered")
    plan = RoutePlan(tuple(item for tier in tiers for item in tier.deployments), tuple(exclusions))
    pins = dict.fromkeys(item.pin for item in plan.candidates if item.pin is not None)
    return Route(
        tiers=tuple(tiers),
        excluded=plan.excluded,
        fixed=plan if fixed and not considers and plan.candidates else None,
        considers=frozenset(considers),
        pinned=tuple(pins),
    )
