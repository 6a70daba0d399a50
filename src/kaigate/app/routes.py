"""The data port's routes: what is served, by which pipeline, and what needs no key."""

from dataclasses import dataclass
from typing import Final, Literal

PipelineName = Literal["chat", "models", "model", "config", "providers", "settings", "redis-test"]


@dataclass(frozen=True, slots=True)
class Route:
    """One path of the API and the pipeline that serves it."""

    method: bytes
    path: bytes
    pipeline: PipelineName


ROUTES: Final = (
    Route(b"POST", b"/v1/chat/completions", "chat"),
    Route(b"GET", b"/v1/models", "models"),
    Route(b"GET", b"/config", "config"),
    Route(b"GET", b"/providers", "providers"),
    Route(b"GET", b"/settings", "settings"),
    Route(b"GET", b"/redis-test", "redis-test"),
)

MODEL_PREFIX: Final = b"/v1/models/"

# The only paths without a key: they say nothing but whether the process is well.
PROBES: Final = (b"/health", b"/health/readiness", b"/health/liveliness", b"/health/liveness")
