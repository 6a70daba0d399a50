"""The OpenAPI description of the API port, which a raw ASGI application can't generate by itself."""

from collections.abc import Mapping
from typing import Any, Final

from kaigate import __version__
from kaigate.admin import openapi_schemas as schemas
from kaigate.admin.openapi_schemas import ANY, Grammar
from kaigate.errors import CODES
from kaigate.surfaces import anthropic_wire, ollama_wire, openai_chat_wire, openai_responses_wire
from kaigate.surfaces.openai_completions_request import CompletionBody
from kaigate.surfaces.openai_embeddings import EmbeddingsBody
from kaigate.surfaces.openai_moderations import ModerationBody

_EVENTS: Final = "text/event-stream"
_LINES: Final = "application/x-ndjson"


def description() -> dict[str, Any]:
    """The OpenAPI 3.1 document of the API port."""
    bodies, components = schemas.bodies()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "kaigate",
            "version": __version__,
            "description": "One API in front of many model servers, in the formats of OpenAI, Anthropic and Ollama.",
        },
        "paths": {**_openai(bodies), **_anthropic(bodies), **_ollama(bodies), **_operations()},
        "components": {
            "schemas": {**components, **schemas.ERRORS, "ChatCompletion": schemas.COMPLETION},
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


def _openai(bodies: Mapping[type, Any]) -> dict[str, Any]:
    completion = {"$ref": "#/components/schemas/ChatCompletion"}
    response, legacy = bodies[openai_responses_wire.ResponsesBody], bodies[CompletionBody]
    return {
        "/v1/chat/completions": _post(
            "Create a chat completion, streamed or not", "chat", bodies[openai_chat_wire.ChatBody], completion, _EVENTS
        ),
        "/v1/responses": _post("Create a response, streamed or not", "chat", response, schemas.RESPONSE, _EVENTS),
        "/v1/completions": _post("Complete a text, streamed or not", "chat", legacy, schemas.TEXT_COMPLETION, _EVENTS),
        "/v1/embeddings": _post("Embed texts", "embeddings", bodies[EmbeddingsBody], schemas.EMBEDDINGS),
        "/v1/moderations": _post("Search texts for secrets", "moderations", bodies[ModerationBody], schemas.MODERATION),
        "/v1/models": _get("Models that this key may use", "models", schemas.MODELS),
        "/v1/models/{model}": _get("One model", "models", schemas.MODEL, argument="model"),
    }


def _anthropic(bodies: Mapping[type, Any]) -> dict[str, Any]:
    message, count = bodies[anthropic_wire.MessagesBody], bodies[anthropic_wire.CountBody]
    grammar: Grammar = "AnthropicError"
    return {
        "/v1/messages": _post(
            "Create a message, streamed or not", "anthropic", message, schemas.MESSAGE, _EVENTS, grammar=grammar
        ),
        "/v1/messages/count_tokens": _post(
            "Count the tokens of a message", "anthropic", count, schemas.TOKENS, grammar=grammar
        ),
    }


def _ollama(bodies: Mapping[type, Any]) -> dict[str, Any]:
    def post(summary: str, body: type, answer: Any, stream: str | None = None) -> dict[str, Any]:
        return _post(summary, "ollama", bodies[body], answer, stream, grammar="OllamaError")

    def get(summary: str, answer: Any) -> dict[str, Any]:
        return _get(summary, "ollama", answer, grammar="OllamaError")

    return {
        "/api/chat": post("Chat, streamed unless refused", ollama_wire.ChatBody, schemas.OLLAMA_CHAT, _LINES),
        "/api/generate": post(
            "Generate, streamed unless refused", ollama_wire.GenerateBody, schemas.OLLAMA_GENERATE, _LINES
        ),
        "/api/embed": post("Embed texts", ollama_wire.EmbedBody, schemas.OLLAMA_EMBED),
        "/api/embeddings": post("Embed one text", ollama_wire.LegacyEmbeddingsBody, schemas.OLLAMA_EMBEDDINGS),
        "/api/show": post("One model", ollama_wire.ShowBody, schemas.OLLAMA_MODEL),
        "/api/tags": get("Models that this key may use", schemas.OLLAMA_MODELS),
        "/api/ps": get("Models that this key may use, as loaded ones", schemas.OLLAMA_MODELS),
        "/api/version": get("The version of Ollama's API that is spoken", schemas.OLLAMA_VERSION),
    }


def _operations() -> dict[str, Any]:
    return {
        "/config": _get("The effective configuration, secrets removed", "operations", ANY),
        "/providers": _get("Configured providers and their connections", "operations", ANY),
        "/settings": _get("Routing settings", "operations", ANY),
        "/redis-test": _get("A round trip to Valkey or Redis, with its time", "operations", ANY),
        "/": {"get": _greeting()},
        "/health": {"get": _probe("The process is well")},
        "/health/readiness": {"get": _probe("Whether this replica should get requests")},
        "/health/liveliness": {"get": _probe("The event loop turns")},
    }


def _post(
    summary: str, tag: str, body: Any, answer: Any, stream: str | None = None, *, grammar: Grammar = "Error"
) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": {"schema": answer}}
    if stream is not None:
        # OpenAPI 3.1 can't describe the events of a stream.
        content[stream] = {}
    return {
        "post": {
            "summary": summary,
            "tags": [tag],
            "security": [{"bearer": []}],
            "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
            "responses": {
                "200": {"description": "The answer", "content": content},
                **_errors(grammar, 400, 401, 402, 403, 404, 408, 413, 415, 429, 502, 503, 504),
            },
        }
    }


def _get(
    summary: str, tag: str, answer: Any, *, argument: str | None = None, grammar: Grammar = "Error"
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": summary,
        "tags": [tag],
        "security": [{"bearer": []}],
        "responses": {
            "200": {"description": "OK", "content": {"application/json": {"schema": answer}}},
            **_errors(grammar, 400, 401, 404, 429, 503),
        },
    }
    if argument is not None:
        operation["parameters"] = [{"name": argument, "in": "path", "required": True, "schema": {"type": "string"}}]
    return {"get": operation}


def _probe(summary: str) -> dict[str, Any]:
    content = {"application/json": {"schema": schemas.of({"status": {"type": "string"}})}}
    return {
        "summary": summary,
        "tags": ["probes"],
        "responses": {
            "200": {"description": "Yes", "content": content},
            "503": {"description": "Starting or draining", "content": content},
        },
    }


def _greeting() -> dict[str, Any]:
    content = {"text/plain": {"schema": {"type": "string"}}}
    return {
        "summary": "What Ollama's clients look for first",
        "tags": ["probes"],
        "responses": {"200": {"description": "Ollama is running", "content": content}},
    }


def _errors(grammar: Grammar, *statuses: int) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{grammar}"}}}
    codes = {status: sorted(code for code, (of, _) in CODES.items() if of == status) for status in statuses}
    return {str(status): {"description": ", ".join(codes[status]), "content": content} for status in statuses}
