"""The schemas of bodies: of every format, apart, and as strict as their decoders."""

import jsonschema_rs
import pytest

from kaigate.admin import openapi_schemas
from kaigate.admin.openapi_schemas import ERRORS, bodies, list_of, of
from kaigate.errors import RequestInvalidError
from kaigate.surfaces import ollama_wire, openai_chat_wire
from kaigate.surfaces.anthropic_messages import AnthropicMessages
from kaigate.surfaces.ollama_chat import OllamaChat
from kaigate.surfaces.openai_chat import OpenAIChat

SCHEMAS, COMPONENTS = bodies()


@pytest.mark.parametrize("kind", SCHEMAS, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_a_body_refuses_what_it_does_not_know(kind):
    schema = {**SCHEMAS[kind], "components": {"schemas": COMPONENTS}}
    validator = jsonschema_rs.validator_for(schema)
    assert not validator.is_valid({"nonsense": 1})
    assert not validator.is_valid([])


def test_types_of_one_name_stay_apart():
    assert SCHEMAS[openai_chat_wire.ChatBody] != SCHEMAS[ollama_wire.ChatBody]
    assert {"ChatBody", "OllamaChatBody", "AnthropicMessagesBody", "EmbeddingsEmbeddingsBody"} <= set(COMPONENTS)


@pytest.mark.parametrize(
    ("surface", "name"),
    [(OpenAIChat(), "Error"), (AnthropicMessages(), "AnthropicError"), (OllamaChat(), "OllamaError")],
)
def test_errors_are_as_the_surfaces_write_them(surface, name):
    error = RequestInvalidError("invalid_request", "No.", param="x")
    jsonschema_rs.validator_for(ERRORS[name]).validate(openapi_schemas.msgspec.json.decode(surface.error(error, "r")))


def test_properties_are_required_unless_they_are_optional():
    assert of({"a": {}, "b": {}}, ["b"])["required"] == ["a"]
    assert list_of() == {"type": "array", "items": {"type": "object"}}
