"""The data port's routes: what is served, by which pipeline, in whose format, and what needs no key."""

from dataclasses import dataclass
from typing import Final, Literal

PipelineName = Literal[
    "chat",
    "count_tokens",
    "openai_embeddings",
    "moderations",
    "ollama_embed",
    "ollama_embeddings",
    "models",
    "model",
    "ollama_tags",
    "ollama_ps",
    "ollama_show",
    "ollama_version",
    "ollama_management",
    "config",
    "providers",
    "settings",
    "redis-test",
]


@dataclass(frozen=True, slots=True)
class Route:
    """One path of the API, the pipeline that serves it, and the client format that it speaks.

    Where the pipeline is not `chat`, `surface` says only in whose grammar it refuses.
    """

    method: bytes
    path: bytes
    pipeline: PipelineName
    surface: str = "openai_chat"


ROUTES: Final = (
    Route(b"POST", b"/v1/chat/completions", "chat"),
    Route(b"POST", b"/v1/responses", "chat", "openai_responses"),
    Route(b"POST", b"/v1/completions", "chat", "openai_completions"),
    Route(b"POST", b"/v1/embeddings", "openai_embeddings"),
    Route(b"POST", b"/v1/moderations", "moderations"),
    Route(b"POST", b"/v1/messages", "chat", "anthropic_messages"),
    Route(b"POST", b"/v1/messages/count_tokens", "count_tokens", "anthropic_messages"),
    Route(b"POST", b"/api/chat", "chat", "ollama_chat"),
    Route(b"POST", b"/api/generate", "chat", "ollama_generate"),
    Route(b"POST", b"/api/embed", "ollama_embed", "ollama_chat"),
    Route(b"POST", b"/api/embeddings", "ollama_embeddings", "ollama_chat"),
    Route(b"GET", b"/api/tags", "ollama_tags", "ollama_chat"),
    Route(b"GET", b"/api/ps", "ollama_ps", "ollama_chat"),
    Route(b"POST", b"/api/show", "ollama_show", "ollama_chat"),
    Route(b"GET", b"/api/version", "ollama_version", "ollama_chat"),
    Route(b"GET", b"/v1/models", "models"),
    Route(b"GET", b"/config", "config"),
    Route(b"GET", b"/providers", "providers"),
    Route(b"GET", b"/settings", "settings"),
    Route(b"GET", b"/redis-test", "redis-test"),
)

MODEL_PREFIX: Final = b"/v1/models/"

_MANAGEMENT: Final = frozenset((b"/api/pull", b"/api/push", b"/api/create", b"/api/copy", b"/api/delete"))
_BLOBS: Final = b"/api/blobs/"


def manages(path: bytes) -> bool:
    """Whether a path is one of Ollama's that change which models a server has: refused with every method."""
    return path in _MANAGEMENT or path.startswith(_BLOBS)


def grammar(path: bytes) -> str:
    """The client format in which a path without a route is refused."""
    for route in ROUTES:
        if path == route.path:
            return route.surface
    if path == b"/api" or path.startswith(b"/api/"):
        return "ollama_chat"
    if path == b"/v1/messages" or path.startswith(b"/v1/messages/"):
        return "anthropic_messages"
    return "openai_chat"


# The only paths without a key: they say nothing but whether the process is well.
PROBES: Final = (b"/health", b"/health/readiness", b"/health/liveliness", b"/health/liveness")

GREETING_PATH: Final = b"/"
GREETING: Final = b"Ollama is running"
"""What Ollama's clients look for, without a key, before they send their first request: a probe like the others."""
