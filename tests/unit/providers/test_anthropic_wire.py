"""The wire shapes refuse what no event represents."""

from typing import Any

import msgspec
import pytest

from kaigate.providers import anthropic_wire
from kaigate.providers.anthropic_wire import ServerBlock, WireBlock, WireEvent, WireMessage

USAGE = {"input_tokens": 1, "output_tokens": 2}
MESSAGE: dict[str, Any] = {
    "id": "m",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "stop_details": None,
    "container": None,
    "usage": {
        **USAGE,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": None,
        "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
        "output_tokens_details": {"thinking_tokens": 1},
        "service_tier": "standard",
        "inference_geo": "not_available",
    },
}


def test_everything_that_the_api_documents_is_known() -> None:
    msgspec.convert(MESSAGE, WireMessage)


@pytest.mark.parametrize(
    "changes",
    [
        {"x": "text"},
        {"container": {"id": "c"}},
        {"diagnostics": {}},
        {"usage": {**USAGE, "x": "text"}},
        {"usage": {**USAGE, "service_tier": "any text"}},
        {"usage": {**USAGE, "inference_geo": "any text"}},
        {"stop_details": {"type": "refusal", "category": "any text"}},
    ],
)
def test_a_key_or_word_that_might_carry_text_is_not(changes: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**MESSAGE, **changes}, WireMessage)


def test_every_shape_refuses_unknown_keys_but_steps_that_reach_nobody() -> None:
    shapes = [
        shape
        for shape in vars(anthropic_wire).values()
        if isinstance(shape, type) and issubclass(shape, msgspec.Struct) and not issubclass(shape, ServerBlock)
    ]
    assert len(shapes) > 20
    assert all(shape.__struct_config__.forbid_unknown_fields for shape in shapes)


def test_steps_are_known_by_their_type_only() -> None:
    step = msgspec.convert({"type": "mcp_tool_result", "content": [{"type": "text", "text": "x"}]}, WireBlock)
    assert isinstance(step, ServerBlock)
    assert type(step).__struct_fields__ == ()


def test_an_event_is_told_by_its_type() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"type": "error", "error": {}}, WireEvent)
