"""The route plan that an exchange carries: candidates in order, and what excluded the others."""

from typing import Literal

import msgspec

from kaigate.providers.provider import Provider
from kaigate.transport.http import Deadlines, Target

Zone = Literal["private", "external"]


class Deployment(msgspec.Struct, frozen=True):
    """One way to serve a model: a provider, its address and the upstream's own model name.

    `header_lines` tell the client who answered, as lines of a response head.
    """

    provider: Provider
    target: Target
    base_path: str
    model: str
    zone: Zone
    deadlines: Deadlines
    header_lines: bytes = b""


class ModelEntry(msgspec.Struct, frozen=True):
    """A resolved entry of the allowlist: its name, its deployments in order, and its ceilings in tokens.

    `label` names it in metrics: for a name that a glob admitted it is the glob, since clients choose the name.
    """

    name: str
    label: str
    deployments: tuple[Deployment, ...]
    max_tokens: int | None = None
    max_input_tokens: int | None = None
    private: bool = False


class Exclusion(msgspec.Struct, frozen=True):
    """A deployment that may not serve this request, and why."""

    provider: str
    model: str
    reason: str


class RoutePlan(msgspec.Struct, frozen=True):
    """Candidates in the order in which they are tried."""

    candidates: tuple[Deployment, ...]
    excluded: tuple[Exclusion, ...] = ()
