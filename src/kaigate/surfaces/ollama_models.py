"""Ollama's informative routes, and the management routes that nobody may use through the gateway.

Source: Ollama API documentation, "List local models", "Show model information", "List running models", "Version".
The gateway knows the names that a key may use and, where they are pinned, their digests; what only the server knows
(sizes, families, templates) is left empty. Every allowed model counts as running: none has to be loaded first.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from kaigate.errors import AccessDeniedError, RequestInvalidError
from kaigate.surfaces.ollama_parts import created_at
from kaigate.surfaces.ollama_wire import ShowBody
from kaigate.surfaces.strict_struct import StrictDecoder

API_VERSION: Final = "0.12.6"
"""The version of Ollama whose API is spoken here: clients compare it with what they need."""

MANAGEMENT_ROUTES: Final[tuple[tuple[str, str], ...]] = (
    ("POST", "/api/pull"),
    ("POST", "/api/push"),
    ("POST", "/api/create"),
    ("POST", "/api/copy"),
    ("DELETE", "/api/delete"),
    ("POST", "/api/blobs/{digest}"),
    ("HEAD", "/api/blobs/{digest}"),
)
"""Routes that change which models a server has: 403 `route_not_allowed` for every key."""

_encode: Final = msgspec.json.Encoder().encode
_SHOW: Final = StrictDecoder(
    ShowBody,
    refused={
        "system": "a model is shown as it is configured; remove it.",
        "template": "a model is shown as it is configured; remove it.",
        "options": "a model is shown as it is configured; remove it.",
    },
)


class OllamaModel(msgspec.Struct, frozen=True, gc=False):
    """One allowed model: `modified` in seconds since the epoch, `digest` as pinned, `context_tokens` its window."""

    name: str
    modified: int = 0
    digest: str = ""
    context_tokens: int | None = None
    capabilities: tuple[str, ...] = ("completion",)


def tags_body(models: Iterable[OllamaModel]) -> bytes:
    """The body of `GET /api/tags`, in the order given."""
    return _encode({"models": [{**_named(model), "modified_at": created_at(model.modified)} for model in models]})


def ps_body(models: Iterable[OllamaModel]) -> bytes:
    """The body of `GET /api/ps`; none of them is ever unloaded for a client, hence the far end of their time."""
    return _encode(
        {
            "models": [
                {
                    **_named(model),
                    "expires_at": "9999-12-31T23:59:59Z",
                    "size_vram": 0,
                    **({} if model.context_tokens is None else {"context_length": model.context_tokens}),
                }
                for model in models
            ]
        }
    )


def decode_show(body: bytes, *, max_depth: int) -> str:
    """The name of the model that `POST /api/show` asks for; raises `RequestInvalidError` without one."""
    wire = _SHOW.decode(body, max_depth=max_depth)
    name = wire.model or wire.name
    if not name:
        raise RequestInvalidError("invalid_request", "model is required.", param="model")
    return name


def show_body(model: OllamaModel) -> bytes:
    """The body of `POST /api/show` for one allowed model; no template, parameters or licence are shown."""
    info: dict[str, Any] = {} if model.context_tokens is None else {"general.context_length": model.context_tokens}
    return _encode(
        {
            "modified_at": created_at(model.modified),
            "details": _details(),
            "model_info": info,
            "capabilities": model.capabilities,
        }
    )


def version_body() -> bytes:
    """The body of `GET /api/version`."""
    return _encode({"version": API_VERSION})


def management_refusal() -> AccessDeniedError:
    """Why a management route is refused."""
    return AccessDeniedError(
        "route_not_allowed",
        "Models are managed by the operator, not through the gateway; GET /api/tags lists those that may be used.",
    )


def _named(model: OllamaModel) -> dict[str, Any]:
    return {"name": model.name, "model": model.name, "size": 0, "digest": model.digest, "details": _details()}


def _details() -> dict[str, Any]:
    return {
        "parent_model": "",
        "format": "",
        "family": "",
        "families": [],
        "parameter_size": "",
        "quantization_level": "",
    }
