"""Which parameters and content blocks of Anthropic's Messages API are refused, and what to do instead."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from kaigate.errors import RequestInvalidError
from kaigate.surfaces.field_errors import unknown_parameter

_ADDRESS: Final = "the gateway's configuration decides where requests go and with which key; remove it."
_HOSTED: Final = "tools that the vendor runs can't be replayed through the gateway; leave their blocks out."

_REFUSED: Final[Mapping[str, str]] = {
    "anthropic_beta": "send the header anthropic-beta.",
    "anthropic_version": "send the header anthropic-version.",
    "api_key": _ADDRESS,
    "base_url": _ADDRESS,
    "betas": "send the header anthropic-beta.",
    "context_management": "the vendor would change the conversation after the guardrails read it; remove it.",
    "diagnostics": "it compares with a request that the vendor stored; remove it.",
    "fallbacks": "fallbacks are configured at the gateway; remove it.",
    "inference_geo": "where models run is configured at the gateway; remove it.",
    "speed": "the vendor account's speed is its operator's decision; remove it.",
    "user_profile_id": "profiles belong to the vendor account; use metadata.user_id.",
    "workspace_id": "workspaces belong to the vendor account; remove it.",
}

_REFUSED_BLOCKS: Final[Mapping[str, str]] = {
    "search_result": "send what it says as text or as a document.",
    "container_upload": "uploads are not served; send the file as a document.",
    "tool_reference": "tools that are found by search are not served; define the tools in the request.",
    "tool_addition": "tools that change within a conversation are not served; define the tools in the request.",
    "browser_state": "send it as text or as an image.",
    "compaction": "compacted history can't be read by guardrails; send the messages.",
    "server_tool_use": _HOSTED,
    "mcp_tool_use": _HOSTED,
}


def refuse_unknown(names: Iterable[str], known: frozenset[str]) -> None:
    """Raise for the first top-level name that is not served, with the reason or the nearest known name."""
    for name in names:
        if name in known:
            continue
        remedy = _REFUSED.get(name)
        if remedy is None:
            raise unknown_parameter(name, known)
        raise RequestInvalidError(
            "unsupported_parameter", f"The parameter '{name}' is not served: {remedy}", param=name
        )


def refuse_blocks(messages: Any) -> None:
    """Raise for the first content block of a kind that Anthropic has and this gateway does not serve."""
    for path, block in _blocks(messages, "messages"):
        kind = block.get("type")
        remedy = _REFUSED_BLOCKS.get(kind) if isinstance(kind, str) else None
        if remedy is None and isinstance(kind, str) and kind.endswith("_tool_result"):
            remedy = _HOSTED
        if remedy is not None:
            raise RequestInvalidError(
                "unsupported_parameter", f"{path}.type is of a kind that is not served: {remedy}", param=f"{path}.type"
            )


def _blocks(items: Any, path: str, depth: int = 3) -> Iterable[tuple[str, dict[str, Any]]]:
    """Messages, their blocks and the content of those, with their paths."""
    if not isinstance(items, list):
        return
    for index, item in enumerate(items):
        if isinstance(item, dict):
            yield f"{path}[{index}]", item
            if depth > 1:
                yield from _blocks(item.get("content"), f"{path}[{index}].content", depth - 1)
