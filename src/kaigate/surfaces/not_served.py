"""Known endpoints that this gateway does not serve, answered with what it does serve."""

from collections.abc import Mapping
from typing import Final

from kaigate.errors import GatewayError, RequestInvalidError
from kaigate.surfaces.json_body import safe_name

SERVED: Final[Mapping[str, str]] = {
    "/v1/chat/completions": "POST",
    "/v1/responses": "POST",
    "/v1/completions": "POST",
    "/v1/embeddings": "POST",
    "/v1/moderations": "POST",
    "/v1/messages": "POST",
    "/v1/messages/count_tokens": "POST",
    "/v1/models": "GET",
    "/api/chat": "POST",
    "/api/generate": "POST",
    "/api/embed": "POST",
    "/api/embeddings": "POST",
    "/api/tags": "GET",
    "/api/ps": "GET",
    "/api/show": "POST",
    "/api/version": "GET",
    "/": "GET",
    "/health": "GET",
    "/health/readiness": "GET",
    "/health/liveliness": "GET",
    "/config": "GET",
    "/providers": "GET",
    "/settings": "GET",
    "/redis-test": "GET",
}
"""Path to method of every route of the API port; `/v1/models/{id}` besides."""

_FAMILIES: Final[Mapping[str, str]] = {
    "assistants": "Assistants",
    "audio": "Audio",
    "batches": "Batches",
    "certificates": "Administration",
    "chatkit": "ChatKit",
    "complete": "Anthropic's text completions",
    "containers": "Containers",
    "conversations": "Conversations",
    "evals": "Evals",
    "files": "Files",
    "fine_tuning": "Fine-tuning",
    "images": "Images",
    "organization": "Administration",
    "organizations": "Administration",
    "realtime": "Realtime",
    "skills": "Skills",
    "threads": "Threads",
    "uploads": "Uploads",
    "vector_stores": "Vector stores",
    "videos": "Videos",
}
"""First segment below `/v1` of further endpoints (sources: OpenAI and Anthropic API reference)."""

_BELOW: Final[Mapping[str, str]] = {
    "chat": "Stored chat completions are not served",
    "completions": "Nothing is served below /v1/completions",
    "embeddings": "Nothing is served below /v1/embeddings",
    "moderations": "Nothing is served below /v1/moderations",
    "messages": "Batches of messages are not served: send them one by one",
    "responses": "Responses are not stored here, so that none can be fetched, cancelled or deleted: send the whole "
    "conversation as input",
}
"""What is said of paths below those that are served."""

_OPENAI: Final = (
    "POST /v1/chat/completions, /v1/responses, /v1/completions, /v1/embeddings and /v1/moderations, "
    "GET /v1/models and GET /v1/models/{id}"
)
_ANTHROPIC: Final = "POST /v1/messages and /v1/messages/count_tokens"
_OLLAMA: Final = "POST /api/chat, /api/generate, /api/embed and /api/show, GET /api/tags, /api/ps and /api/version"
_NO_PREFIX: Final = frozenset(path.removeprefix("/v1") for path in SERVED if path.startswith("/v1/"))


def explain(method: str, path: str) -> GatewayError:
    """Why a route that nothing serves is not found: 404 `route_not_found`, or 405 for a served path."""
    allowed = _allowed(path)
    if allowed is not None and method != allowed:
        return RequestInvalidError("method_not_allowed", f"This path takes {allowed} only.")
    if path in _NO_PREFIX:
        return _unknown("Not found; the base URL ends with /v1", _OPENAI)
    segments = path.strip("/").split("/")
    if segments[0] == "api":
        return _unknown("This is not an endpoint of Ollama's API that is served", _OLLAMA)
    if len(segments) > 1 and segments[0] == "v1":
        served = _ANTHROPIC if segments[1] == "messages" else _OPENAI
        return _unknown(_known(segments[1]) or f"/v1/{safe_name(segments[1])} is not known", served)
    return _unknown("Not found", f"{_OPENAI}; {_ANTHROPIC}; {_OLLAMA}")


def _known(segment: str) -> str | None:
    family = _FAMILIES.get(segment)
    return f"{family} endpoints are not served" if family is not None else _BELOW.get(segment)


def _unknown(why: str, served: str) -> RequestInvalidError:
    return RequestInvalidError("route_not_found", f"{why}; this gateway serves {served}.")


def _allowed(path: str) -> str | None:
    if path.startswith("/v1/models/"):
        return "GET"
    return SERVED.get(path)
