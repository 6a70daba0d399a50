"""What excludes a deployment from serving a request: each rule once, in the order in which it is asked.

The same rules authorise every attempt again, so that no mistake of a plan or of its memory reaches a socket.
"""

import fnmatch
from collections.abc import Iterable
from typing import Final

from kaigate.chat.request import ChatRequest, HostedTool
from kaigate.pipeline.plan import Deployment, Exclusion, ExclusionKind, Need
from kaigate.pipeline.principal import Principal

_PARTS: Final[tuple[Need, ...]] = ("image", "audio", "document")


def excluded(
    deployment: Deployment, kind: ExclusionKind, reason: str, *, wait_s: float | None = None, need: Need | None = None
) -> Exclusion:
    """An exclusion of a deployment."""
    return Exclusion(deployment.provider.name, deployment.model, reason, kind, wait_s, need)


def standing_exclusion(deployment: Deployment, caller: Principal | None, *, private: bool) -> Exclusion | None:
    """What excludes a deployment whatever the request says: its zone, the caller's key, that it is drained."""
    if private and (deployment.zone != "private" or deployment.target.zone != "private"):
        return excluded(deployment, "zone", "not in the private zone")
    if caller is not None and caller.providers is not None and deployment.provider.name not in caller.providers:
        return excluded(deployment, "provider", "the key may not use this provider")
    if deployment.weight == 0:
        return excluded(deployment, "drained", "its weight is 0")
    return None


def content_exclusion(
    deployment: Deployment, hosted: Iterable[HostedTool], caller: Principal | None, needs: frozenset[Need]
) -> Exclusion | None:
    """What excludes a deployment from this request's content."""
    for tool in hosted:
        if tool.kind not in deployment.hosted_tools or not _may_run(caller, tool):
            return excluded(deployment, "hosted_tool", f"{tool.kind} is not allowed here")
    if not needs:
        return None
    for part in _PARTS:
        if part in needs and part in deployment.blocks:
            return excluded(deployment, "part", f"{part} parts must not be sent there", need=part)
    for need in sorted(deployment.lacks):
        if need in needs:
            return excluded(deployment, "capability", f"it lacks {need}", need=need)
    return None


def may_attempt(deployment: Deployment, request: ChatRequest, caller: Principal | None, *, private: bool) -> bool:
    """Whether this very attempt is authorised, asked again just before it is made."""
    outside = deployment.zone != "private" or deployment.target.zone != "private"
    if outside and (private or (caller is not None and caller.private_only)):
        return False
    if request.hosted_tools and content_exclusion(deployment, request.hosted_tools, caller, frozenset()) is not None:
        return False
    if caller is not None and caller.providers is not None and deployment.provider.name not in caller.providers:
        return False
    return deployment.weight > 0


def _may_run(caller: Principal | None, tool: HostedTool) -> bool:
    """A key whose tools are listed may have only those run, by the provider too."""
    if caller is None or caller.tools is None:
        return True
    return any(fnmatch.fnmatchcase(tool.kind, pattern) for pattern in caller.tools)
