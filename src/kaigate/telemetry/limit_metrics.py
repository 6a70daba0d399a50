"""Metrics of limits, money and the stores behind them."""

import logging
from collections.abc import Iterator
from math import inf
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from kaigate.money import NANO

log = logging.getLogger("kaigate.limits")

MAX_WARNED: Final = 10_000
MAX_BUDGETS: Final = 10_000
MAX_COSTS: Final = 100_000
_AGAIN_S: Final = 60.0
_OTHERS: Final = ("", "", "", "")
_LABELS: Final = {"key": "key_id", "team": "team", "model": "model", "provider": "provider"}


class BoundLike(Protocol):
    """A limit in a scope."""

    @property
    def scope(self) -> str:
        """Kind and name, as in `key:3f`."""
        ...

    @property
    def kind(self) -> str:
        """`requests`, `tokens`, `parallel` or `budget`."""
        ...

    @property
    def window(self) -> str:
        """The name of a budget's window."""
        ...


class BudgetCollector(Collector):
    """What is left of each budget, by the latest step that looked; plain numbers, made into series at a scrape."""

    def __init__(self) -> None:
        self._left: dict[str, int] = {}

    def set(self, scope: str, nanodollars: int) -> None:
        """What is left in a scope; budgets of end users are not told, since clients choose their names."""
        if scope in self._left or (len(self._left) < MAX_BUDGETS and not scope.startswith("user:")):
            self._left[scope] = nanodollars

    def collect(self) -> Iterator[Metric]:
        """The family, for the registry."""
        family = GaugeMetricFamily(
            "kaigate_budget_remaining_usd", "Dollars left in the budget window.", labels=tuple(_LABELS.values())
        )
        for scope, nanodollars in list(self._left.items()):
            kind, _, name = scope.partition(":")
            family.add_metric([name if each == kind else "" for each in _LABELS], nanodollars / NANO)
        yield family


class CostCollector(Collector):
    """Money spent, in nano-dollars by labels; plain numbers, made into series at a scrape."""

    def __init__(self) -> None:
        self._spent: dict[tuple[str, str, str, str], int] = {}

    def add(self, labels: tuple[str, str, str, str], nanodollars: int) -> None:
        """Add to key, team, model and provider; beyond the bound to nobody's."""
        if labels not in self._spent and len(self._spent) >= MAX_COSTS:
            labels = _OTHERS
        self._spent[labels] = self._spent.get(labels, 0) + nanodollars

    def collect(self) -> Iterator[Metric]:
        """The family, for the registry."""
        family = CounterMetricFamily("kaigate_cost_usd", "Dollars spent.", labels=tuple(_LABELS.values()))
        for labels, nanodollars in list(self._spent.items()):
            family.add_metric(labels, nanodollars / NANO)
        yield family


class LimitMetrics:
    """Counters by scope kind, never by a name that a client chooses; money by key, team, model and provider."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.rate_limited = Counter(
            "kaigate_rate_limited", "Requests refused by a limit.", ("reason", "scope"), registry=registry
        )
        self.soft_limits = Counter(
            "kaigate_soft_limit_warnings",
            "Scopes that came near a limit: once per budget window, at most once a minute else.",
            ("reason", "scope"),
            registry=registry,
        )
        self.cost = CostCollector()
        registry.register(self.cost)
        self.budgets = BudgetCollector()
        registry.register(self.budgets)
        self.store_degraded = Gauge(
            "kaigate_store_degraded", "1 while limits are kept without the shared store.", registry=registry
        )
        self.outbox_lag = Gauge(
            "kaigate_outbox_lag_seconds",
            "Age of the oldest usage record that SQL does not have yet.",
            registry=registry,
        )
        self.outbox_failures = Counter(
            "kaigate_outbox_failures", "Failed deliveries of usage records to SQL.", registry=registry
        )
        self._warned: dict[tuple[str, str, str], float] = {}

    def refused(self, bound: BoundLike) -> None:
        """A limit stood in the way."""
        self.rate_limited.labels(bound.kind, _kind(bound)).inc()

    def soft_limit(self, bound: BoundLike, remaining: int, now: float) -> None:
        """A limit is nearly reached: a budget's is told once per window, another's once a minute; `now` in seconds."""
        told = (bound.scope, bound.kind, bound.window)
        if now < self._warned.get(told, 0.0):
            return
        if len(self._warned) >= MAX_WARNED:
            self._warned.clear()
        self._warned[told] = inf if bound.kind == "budget" else now + _AGAIN_S
        self.soft_limits.labels(bound.kind, _kind(bound)).inc()
        details: dict[str, str | float] = {"scope": bound.scope, "limit": bound.kind}
        if bound.kind == "budget":
            details |= {"window": bound.window, "remaining_usd": remaining / NANO}
        else:
            details["remaining"] = remaining
        log.warning("a limit is nearly reached", extra=details)


def _kind(bound: BoundLike) -> str:
    return bound.scope.partition(":")[0]
