"""The strategies: which of several equal deployments comes first."""

from collections.abc import Callable, Sequence
from random import Random

from kaigate.config.routing_settings import Strategy
from kaigate.pipeline.plan import Deployment
from kaigate.routing.health import HealthBook

CostOf = Callable[[Deployment], int | None]
"""Nano-dollars that one request costs at most; None where the price is not known."""


class Ordering:
    """Puts deployments of one tier in order; only `ordered` and `cheapest` are the same every time."""

    __slots__ = ("_health", "_random")

    def __init__(self, health: HealthBook, random: Random | None = None) -> None:
        self._health = health
        self._random = random or Random()  # noqa: S311 -- spreads load, keeps no secret

    def ordered(
        self, strategy: Strategy, deployments: Sequence[Deployment], cost_of: CostOf, *, stream: bool
    ) -> Sequence[Deployment]:
        """The deployments, the one to try first at the front. Equal ones keep the file's order."""
        if len(deployments) < 2 or strategy == "ordered":
            return deployments
        if strategy == "weighted":
            return self._weighted(deployments)
        if strategy == "cheapest":
            return sorted(deployments, key=lambda item: _or_dearest(cost_of(item)))
        return self._fastest(deployments, stream=stream)

    def _weighted(self, deployments: Sequence[Deployment]) -> Sequence[Deployment]:
        """A draw without putting back: the shortest of exponential waiting times wins in proportion to its rate."""
        draw = self._random.expovariate
        return sorted(deployments, key=lambda item: draw(item.weight))

    def _fastest(self, deployments: Sequence[Deployment], *, stream: bool) -> Sequence[Deployment]:
        """The better of two random ones first, so that not every request runs to the same; then by score.

        Source: M. Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001.
        """
        scores = {item.name: self._health.score(item, stream=stream) for item in deployments}
        first, second = self._random.sample(range(len(deployments)), 2)
        pair = (deployments[first], deployments[second])
        chosen = min(pair, key=lambda item: scores[item.name])
        rest = sorted((item for item in deployments if item is not chosen), key=lambda item: scores[item.name])
        return [chosen, *rest]


def _or_dearest(cost: int | None) -> tuple[bool, int]:
    return (cost is None, cost or 0)
