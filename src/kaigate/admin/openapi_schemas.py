"""Schemas of the OpenAPI description: bodies from their decoders, answers and errors of each client format."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from kaigate.errors import CODES
from kaigate.surfaces import anthropic_wire, ollama_wire, openai_chat_wire, openai_responses_wire
from kaigate.surfaces.openai_completions_request import CompletionBody
from kaigate.surfaces.openai_embeddings import EmbeddingsBody
from kaigate.surfaces.openai_moderations import ModerationBody

Grammar = Literal["Error", "AnthropicError", "OllamaError"]

ANY: Final[Mapping[str, Any]] = {"type": "object"}
_TEXT: Final = {"type": "string"}
_COUNT: Final = {"type": "integer", "minimum": 0}
_CODE: Final = {"type": "string", "enum": sorted(CODES)}


def of(properties: Mapping[str, Any], optional: Sequence[str] = ()) -> dict[str, Any]:
    """An object, all of whose properties are required but for the optional ones."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "required": required, "properties": dict(properties)}


def list_of(item: Mapping[str, Any] = ANY) -> dict[str, Any]:
    """A list."""
    return {"type": "array", "items": dict(item)}


ERRORS: Final[Mapping[Grammar, dict[str, Any]]] = {
    "Error": of({"error": of({"message": _TEXT, "type": _TEXT, "param": {"type": ["string", "null"]}, "code": _CODE})}),
    "AnthropicError": of(
        {
            "type": {"const": "error"},
            "error": of({"type": _TEXT, "message": _TEXT, "code": _CODE, "param": _TEXT}, ["param"]),
            "request_id": _TEXT,
        }
    ),
    "OllamaError": of({"error": _TEXT}),
}

MODEL: Final = of({"id": _TEXT, "object": {"const": "model"}, "created": _COUNT, "owned_by": _TEXT})
MODELS: Final = of({"object": {"const": "list"}, "data": list_of(MODEL)})
COMPLETION: Final = of(
    {
        "id": _TEXT,
        "object": {"const": "chat.completion"},
        "created": {"type": "integer"},
        "model": _TEXT,
        "provider": _TEXT,
        "choices": list_of(),
        "usage": {"type": "object", "required": ["prompt_tokens", "completion_tokens", "total_tokens"]},
    }
)
TEXT_COMPLETION: Final = of(
    {"id": _TEXT, "object": {"const": "text_completion"}, "model": _TEXT, "choices": list_of(), "usage": ANY}
)
RESPONSE: Final = of(
    {"id": _TEXT, "object": {"const": "response"}, "model": _TEXT, "status": _TEXT, "output": list_of(), "usage": ANY}
)
MESSAGE: Final = of(
    {
        "id": _TEXT,
        "type": {"const": "message"},
        "role": {"const": "assistant"},
        "model": _TEXT,
        "content": list_of(),
        "usage": ANY,
    }
)
TOKENS: Final = of({"input_tokens": _COUNT})
EMBEDDINGS: Final = of({"object": {"const": "list"}, "model": _TEXT, "data": list_of(), "usage": ANY})
MODERATION: Final = of({"id": _TEXT, "model": _TEXT, "results": list_of()})
OLLAMA_CHAT: Final = of({"model": _TEXT, "message": ANY, "done": {"type": "boolean"}})
OLLAMA_GENERATE: Final = of({"model": _TEXT, "response": _TEXT, "done": {"type": "boolean"}})
OLLAMA_EMBED: Final = of({"model": _TEXT, "embeddings": list_of({"type": "array"})})
OLLAMA_EMBEDDINGS: Final = of({"embedding": {"type": "array"}})
OLLAMA_MODELS: Final = of({"models": list_of(of({"name": _TEXT, "model": _TEXT, "digest": _TEXT}))})
OLLAMA_MODEL: Final = of({"modified_at": _TEXT, "model_info": ANY, "capabilities": list_of(_TEXT)})
OLLAMA_VERSION: Final = of({"version": _TEXT})

_BODIES: Final[Mapping[str, tuple[type, ...]]] = {
    "": (openai_chat_wire.ChatBody,),
    "Responses": (openai_responses_wire.ResponsesBody,),
    "Completions": (CompletionBody,),
    "Embeddings": (EmbeddingsBody,),
    "Moderations": (ModerationBody,),
    "Anthropic": (anthropic_wire.MessagesBody, anthropic_wire.CountBody),
    "Ollama": (
        ollama_wire.ChatBody,
        ollama_wire.GenerateBody,
        ollama_wire.EmbedBody,
        ollama_wire.LegacyEmbeddingsBody,
        ollama_wire.ShowBody,
    ),
}
"""Bodies by what their components' names begin with: formats have types of the same name."""


def bodies() -> tuple[dict[type, dict[str, Any]], dict[str, Any]]:
    """The schema of each body, and the components that they refer to."""
    schemas: dict[type, dict[str, Any]] = {}
    components: dict[str, Any] = {}
    for prefix, kinds in _BODIES.items():
        made, parts = msgspec.json.schema_components(kinds, ref_template=f"#/components/schemas/{prefix}{{name}}")
        for kind in kinds:
            # The decoders refuse what they do not know, and the schema of a mapping does not say so.
            parts[kind.__name__]["additionalProperties"] = False
        components |= {prefix + name: part for name, part in parts.items()}
        schemas |= dict(zip(kinds, made, strict=True))
    return schemas, components
