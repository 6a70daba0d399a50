"""Known endpoints that this gateway does not serve, answered with what it does serve."""

from collections.abc import Mapping
from typing import Final

from kaigate.errors import GatewayError, RequestInvalidError
from kaigate.surfaces.json_body import safe_name

SERVED: Final[Mapping[str, str]] = {
    "/v1/chat/completions": "POST",
    "/v1/models": "GET",
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
    "completions": "Legacy completions",
    "containers": "Containers",
    "conversations": "Conversations",
    "embeddings": "Embeddings",
    "evals": "Evals",
    "files": "Files",
    "fine_tuning": "Fine-tuning",
    "images": "Images",
    "messages": "Messages",
    "moderations": "Moderations",
    "organization": "Administration",
    "realtime": "Realtime",
    "responses": "Responses",
    "skills": "Skills",
    "threads": "Threads",
    "uploads": "Uploads",
    "vector_stores": "Vector stores",
    "videos": "Videos",
}
"""First segment below `/v1` of OpenAI's further endpoints (source: OpenAI API reference)."""


def explain(method: str, path: str) -> GatewayError:
    """Why a route that nothing serves is not found: 404 `route_not_found`, or 405 for a served path."""
    allowed = _allowed(path)
    if allowed is not None and method != allowed:
        return RequestInvalidError("method_not_allowed", f"This path takes {allowed} only.")
    served = "this gateway serves POST /v1/chat/completions, GET /v1/models and GET /v1/models/{id}"
    if path in ("/chat/completions", "/models"):
        return RequestInvalidError("route_not_found", f"Not found; the base URL ends with /v1: {served}.")
    segments = path.strip("/").split("/")
    if len(segments) > 1 and segments[0] == "v1":
        if segments[1] == "chat":
            return RequestInvalidError("route_not_found", f"Stored chat completions are not served; {served}.")
        family = _FAMILIES.get(segments[1])
        if family is not None:
            return RequestInvalidError("route_not_found", f"{family} endpoints are not served; {served}.")
        return RequestInvalidError("route_not_found", f"/v1/{safe_name(segments[1])} is not known; {served}.")
    if segments[0] == "api":
        return RequestInvalidError("route_not_found", f"Ollama's own endpoints are not served; {served}.")
    return RequestInvalidError("route_not_found", f"Not found; {served}.")


def _allowed(path: str) -> str | None:
    if path.startswith("/v1/models/"):
        return "GET"
    return SERVED.get(path)
