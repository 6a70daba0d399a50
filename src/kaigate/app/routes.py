"""The data port's routes: what is served, by which pipeline, in whose format, and what needs no key."""

from dataclasses import dataclass
from typing import Final, Literal

PipelineName = Literal["chat", "models", "model", "config", "providers", "settings", "redis-test"]


@dataclass(frozen=True, slots=True)
class Route:
    """One path of the API, the pipeline that serves it, and the client format that it speaks."""

    method: bytes
    path: bytes
    pipeline: PipelineName
    surface: str = "openai_chat"


ROUTES: Final = (
    Route(b"POST", b"/v1/chat/completions", "chat"),
    Route(b"GET", b"/v1/models", "models"),
    Route(b"GET", b"/config", "config"),
    Route(b"GET", b"/providers", "providers"),
    Route(b"GET", b"/settings", "settings"),
    Route(b"GET", b"/redis-test", "redis-test"),
)

MODEL_PREFIX: Final = b"/v1/models/"


def grammar(path: bytes) -> str:
    """The client format in which a path without a route is refused."""
    for route in ROUTES:
        if path == route.path:
            return route.surface
    return "openai_chat"


# The only paths without a key: they say nothing but whether the process is well.
PROBES: Final = (b"/health", b"/health/readiness", b"/health/liveliness", b"/health/liveness")
