"""The route plan that an exchange carries: candidates in order, and what excluded the others."""

from typing import Literal

import msgspec

from kaigate.config.routing_settings import Capability, HostedKind, Part, Strategy
from kaigate.providers.provider import Provider
from kaigate.transport.http import Deadlines, Target

Zone = Literal["private", "external"]
Need = Capability | Part
"""What a request needs of its candidates: capabilities, and parts that no rule blocks."""

ExclusionKind = Literal[
    "zone",
    "model",
    "provider",
    "drained",
    "hosted_tool",
    "part",
    "capability",
    "context",
    "cost",
    "digest",
    "unhealthy",
    "circuit",
]
"""In the order of the checks: the latest that any deployment came to says best why none is left."""


class Pin(msgspec.Struct, frozen=True):
    """What a deployment is pinned to: `place` is its server's base URL, `model` the full name there, `digest` hex."""

    place: str
    model: str
    digest: str


class Deployment(msgspec.Struct, frozen=True):
    """One way to serve a model: a provider, its address and the upstream's own model name.

    `header_lines` tell the client who answered, as lines of a response head. `name` is whom health and limits belong
    to, `provider/model` by default; `label` the allowlist entry that it comes from. `context_tokens` is its window.
    `lacks` are the needs that it can't serve, `blocks` the parts that must not be sent to it.
    `hosted_tools` may be run by the provider itself. `max_tokens` and `max_input_tokens` are its entry's ceilings.
    `pin` is what its server must report for it to be served.
    """

    provider: Provider
    target: Target
    base_path: str
    model: str
    zone: Zone
    deadlines: Deadlines
    header_lines: bytes = b""
    name: str = ""
    label: str = ""
    weight: int = 1
    order: int = 0
    context_tokens: int | None = None
    lacks: frozenset[Capability] = frozenset()
    blocks: frozenset[Part] = frozenset()
    hosted_tools: frozenset[HostedKind] = frozenset()
    max_tokens: int | None = None
    max_input_tokens: int | None = None
    pin: Pin | None = None

    def __post_init__(self) -> None:
        if not self.name:
            msgspec.structs.force_setattr(self, "name", f"{self.provider.name}/{self.model}")


class ModelEntry(msgspec.Struct, frozen=True):
    """A resolved entry of the allowlist: its name, its deployments in order, and its ceilings in tokens.

    `label` names it in metrics: for a name that a glob admitted it is the glob, since clients choose the name.
    `fallbacks` and `context_fallbacks` are names of further entries; `max_cost` is in nano-dollars per request.
    """

    name: str
    label: str
    deployments: tuple[Deployment, ...]
    max_tokens: int | None = None
    max_input_tokens: int | None = None
    private: bool = False
    strategy: Strategy = "ordered"
    fallbacks: tuple[str, ...] = ()
    context_fallbacks: tuple[str, ...] = ()
    hosted_tools: frozenset[HostedKind] = frozenset()
    max_cost: int | None = None


class Exclusion(msgspec.Struct, frozen=True):
    """A deployment that may not serve this request, and why; `wait_s` is how long that will last, where it ends."""

    provider: str
    model: str
    reason: str
    kind: ExclusionKind = "zone"
    wait_s: float | None = None
    need: Need | None = None


class RoutePlan(msgspec.Struct, frozen=True):
    """Candidates in the order in which they are tried."""

    candidates: tuple[Deployment, ...]
    excluded: tuple[Exclusion, ...] = ()
