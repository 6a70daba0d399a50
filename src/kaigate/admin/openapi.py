"""The OpenAPI description of the API port, which a raw ASGI application can't generate by itself."""

from typing import Any, Final

import msgspec

from kaigate import __version__
from kaigate.errors import CODES
from kaigate.surfaces.openai_chat_wire import ChatBody

_REF: Final = "#/components/schemas/{name}"
_ERROR: Final = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": "string", "enum": sorted(CODES)},
            },
        }
    },
}
_COMPLETION: Final = {
    "type": "object",
    "required": ["id", "object", "created", "model", "provider", "choices", "usage"],
    "properties": {
        "id": {"type": "string"},
        "object": {"const": "chat.completion"},
        "created": {"type": "integer"},
        "model": {"type": "string"},
        "provider": {"type": "string"},
        "choices": {"type": "array", "items": {"type": "object"}},
        "usage": {"type": "object", "required": ["prompt_tokens", "completion_tokens", "total_tokens"]},
    },
}
_MODEL: Final = {
    "type": "object",
    "required": ["id", "object", "created", "owned_by"],
    "properties": {
        "id": {"type": "string"},
        "object": {"const": "model"},
        "created": {"type": "integer"},
        "owned_by": {"type": "string"},
    },
}
_ANY: Final = {"type": "object"}


def description() -> dict[str, Any]:
    """The OpenAPI 3.1 document of the API port."""
    (body,), components = msgspec.json.schema_components([ChatBody], ref_template=_REF)
    # The decoder refuses what it does not know, and the schema of a struct does not say so.
    components[ChatBody.__name__]["additionalProperties"] = False
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "kaigate",
            "version": __version__,
            "description": "One OpenAI-compatible API in front of many model servers.",
        },
        "paths": {
            "/v1/chat/completions": {"post": _chat(body)},
            "/v1/models": {"get": _view("Models that this key may use", _listed(_MODEL), "models")},
            "/v1/models/{model}": {"get": _view("One model", _MODEL, "models", argument="model")},
            "/config": {"get": _view("The effective configuration, secrets removed", _ANY, "operations")},
            "/providers": {"get": _view("Configured providers and their connections", _ANY, "operations")},
            "/settings": {"get": _view("Routing settings", _ANY, "operations")},
            "/redis-test": {"get": _view("A round trip to Valkey or Redis, with its time", _ANY, "operations")},
            "/health": {"get": _probe("The process is well")},
            "/health/readiness": {"get": _probe("Whether this replica should get requests")},
            "/health/liveliness": {"get": _probe("The event loop turns")},
        },
        "components": {
            "schemas": {**components, "Error": _ERROR, "ChatCompletion": _COMPLETION},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def merged(api: dict[str, Any], administration: dict[str, Any]) -> dict[str, Any]:
    """The description of the API port with that of the administration port's own routes."""
    components = {
        kind: {**administration.get("components", {}).get(kind, {}), **of_api}
        for kind, of_api in api["components"].items()
    }
    return {**api, "paths": {**api["paths"], **administration["paths"]}, "components": components}


def _chat(body: dict[str, Any]) -> dict[str, Any]:
    # OpenAPI 3.1 can't describe the events of a stream.
    answer = {"schema": {"$ref": "#/components/schemas/ChatCompletion"}}
    return {
        "operationId": "createChatCompletion",
        "summary": "Create a chat completion, streamed or not",
        "tags": ["chat"],
        "security": [{"bearer": []}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "200": {
                "description": "The answer; server-sent events with stream: true",
                "content": {"application/json": answer, "text/event-stream": {}},
            },
            **_errors(400, 401, 402, 403, 404, 408, 413, 415, 429, 502, 503, 504),
        },
    }


def _view(summary: str, schema: dict[str, Any], tag: str, *, argument: str | None = None) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": summary,
        "tags": [tag],
        "security": [{"bearer": []}],
        "responses": {
            "200": {"description": "OK", "content": {"application/json": {"schema": schema}}},
            **_errors(400, 401, 404, 429, 503),
        },
    }
    if argument is not None:
        operation["parameters"] = [{"name": argument, "in": "path", "required": True, "schema": {"type": "string"}}]
    return operation


def _probe(summary: str) -> dict[str, Any]:
    state = {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}}
    content = {"application/json": {"schema": state}}
    return {
        "summary": summary,
        "tags": ["probes"],
        "responses": {
            "200": {"description": "Yes", "content": content},
            "503": {"description": "Starting or draining", "content": content},
        },
    }


def _listed(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["object", "data"],
        "properties": {"object": {"const": "list"}, "data": {"type": "array", "items": item}},
    }


def _errors(*statuses: int) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    codes = {status: sorted(code for code, (of, _) in CODES.items() if of == status) for status in statuses}
    return {str(status): {"description": ", ".join(codes[status]), "content": content} for status in statuses}
