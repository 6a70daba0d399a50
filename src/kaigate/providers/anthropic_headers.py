"""The headers in which Anthropic's API takes parameters: its version and its betas."""

from collections.abc import Mapping, Sequence
from typing import Final

from kaigate.chat.request import ChatRequest, HostedTool
from kaigate.errors import RequestInvalidError

VERSION: Final = "2023-06-01"
"""The version whose answers and parameters are translated; later ones refuse sampling parameters."""

_MAX_HEADER: Final = 1024
_BETAS: Final = frozenset(
    {
        "context-1m-2025-08-07",
        "extended-cache-ttl-2025-04-11",
        "fine-grained-tool-streaming-2025-05-14",
        "interleaved-thinking-2025-05-14",
        "max-tokens-3-5-sonnet-2024-07-15",
        "model-context-window-exceeded-2025-08-26",
        "output-128k-2025-02-19",
        "output-300k-2026-03-24",
        "pdfs-2024-09-25",
        "prompt-caching-2024-07-31",
        "structured-outputs-2025-11-13",
        "token-efficient-tools-2025-02-19",
    }
)
"""Betas that change neither what leaves the gateway's policies nor the shape of answers."""

_OF_TOOLS: Final[Mapping[str, tuple[str, ...]]] = {
    "code_interpreter": ("code-execution-",),
    "computer_use": ("computer-use-",),
    "mcp": ("mcp-client-",),
    "other": ("advisor-tool-", "context-management-", "web-fetch-"),
    "web_search": ("web-search-",),
}
"""Betas that a tool of the provider needs, let through with the tool, which the model's entry has allowed."""


def version_of(request: ChatRequest, pinned: str) -> str:
    """The version to speak: the client's own where it speaks this format, else the pinned one."""
    version = request.hints.get("anthropic-version")
    if version is None:
        return pinned
    if not _is_safe(version):
        raise RequestInvalidError(
            "invalid_request",
            "The header anthropic-version must be a date such as 2023-06-01.",
            param="anthropic-version",
        )
    return version


def betas_of(request: ChatRequest, configured: Sequence[str], dropped: list[str]) -> str | None:
    """The betas to ask for: those of the configuration, and of the client's those on the list; the rest is dropped."""
    wanted = request.hints.get("anthropic-beta")
    if wanted is None:
        return ",".join(configured) or None
    betas = list(configured)
    for name in wanted.split(","):
        beta = name.strip()
        if beta and beta not in betas:
            if _is_allowed(beta, request.hosted_tools):
                betas.append(beta)
            elif "anthropic-beta" not in dropped:
                dropped.append("anthropic-beta")
    return ",".join(betas)[:_MAX_HEADER] or None


def _is_allowed(beta: str, tools: Sequence[HostedTool]) -> bool:
    return beta in _BETAS or (_is_safe(beta) and any(beta.startswith(_OF_TOOLS.get(tool.kind, ())) for tool in tools))


def _is_safe(word: str) -> bool:
    return len(word) <= 64 and word.isascii() and word.replace("-", "").replace("_", "").isalnum()
