"""Messages of Anthropic's API become canonical ones."""

from typing import Any

import msgspec
import pytest

from kaigate.chat.content import (
    DocumentBlock,
    ImageBlock,
    Message,
    ReasoningBlock,
    TextBlock,
    ToolCallBlock,
)
from kaigate.errors import RequestInvalidError
from kaigate.surfaces.anthropic_content import canonical_messages, mark
from kaigate.surfaces.anthropic_wire import CacheControl, WireMessage

DECODER = msgspec.json.Decoder(list[WireMessage])


def messages(*wire: dict[str, Any]) -> tuple[Message, ...]:
    return canonical_messages(None, DECODER.decode(msgspec.json.encode(wire)))


def user(*parts: dict[str, Any]) -> tuple[Message, ...]:
    return messages({"role": "user", "content": list(parts)})


def result(**fields: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": "a", **fields}


def test_results_come_before_the_rest_of_their_turn_each_as_a_message() -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://e.org/a"}}
    content = [{"type": "text", "text": "x"}, image]
    parts = (result(content=content, is_error=True, cache_control={"type": "ephemeral"}), result(content="y"))
    assert user(*parts, {"type": "text", "text": "go on"}) == (
        Message(
            "tool",
            (TextBlock("x"), ImageBlock(url="https://e.org/a")),
            tool_call_id="a",
            is_error=True,
            cache="5m",
        ),
        Message("tool", (TextBlock("y"),), tool_call_id="a"),
        Message("user", (TextBlock("go on"),)),
    )


@pytest.mark.parametrize("fields", [{}, {"content": ""}, {"content": []}, {"content": None}])
def test_a_result_without_content_is_an_empty_text(fields: dict[str, Any]) -> None:
    assert user(result(**fields)) == (Message("tool", (TextBlock(""),), tool_call_id="a"),)


def test_a_result_after_other_content_is_refused_as_anthropic_does() -> None:
    with pytest.raises(RequestInvalidError, match="put the results first") as refused:
        user({"type": "text", "text": "x"}, result())
    assert refused.value.param == "messages[0].content[1]"


def test_an_assistants_turn_keeps_its_order_and_its_reasoning() -> None:
    parts = [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "thinking", "thinking": "unsigned", "signature": ""},
        {"type": "redacted_thinking", "data": "ZW5j"},
        {"type": "text", "text": "I look.", "citations": [{"type": "char_location"}], "cache_control": None},
        {
            "type": "tool_use",
            "id": "a",
            "name": "f",
            "input": {"x": 1},
            "caller": {"type": "direct"},
            "cache_control": {"type": "ephemeral", "ttl": "1h"},
        },
    ]
    assert messages({"role": "assistant", "content": parts}) == (
        Message(
            "assistant",
            (
                ReasoningBlock("hm", "c2ln"),
                ReasoningBlock("unsigned"),
                ReasoningBlock("", redacted="ZW5j"),
                TextBlock("I look."),
                ToolCallBlock("a", "f", '{"x":1}', "1h"),
            ),
        ),
    )


def test_prefill_stays_last() -> None:
    talk = messages({"role": "user", "content": "Capital?"}, {"role": "assistant", "content": "It is"})
    assert talk[-1] == Message("assistant", (TextBlock("It is"),))


def test_system_text_is_a_message_wherever_it_stands() -> None:
    wire = DECODER.decode(b'[{"role":"user","content":"x"},{"role":"system","content":"y"}]')
    assert [message.role for message in canonical_messages("s", wire)] == ["system", "user", "system"]
    assert [message.role for message in canonical_messages("", wire)] == ["user", "system"]


def test_a_document_keeps_what_is_said_about_it() -> None:
    part = {
        "type": "document",
        "source": {"type": "text", "media_type": "text/plain", "data": "d"},
        "title": "t",
        "context": "c",
        "citations": {"enabled": True},
        "cache_control": {"type": "ephemeral"},
    }
    (message,) = user(part)
    assert message.blocks == (
        DocumentBlock(text="d", media_type="text/plain", name="t", context="c", citations=True, cache="5m"),
    )


def test_arguments_have_to_be_an_object() -> None:
    with pytest.raises(RequestInvalidError, match="expected object") as refused:
        messages({"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": [1]}]})
    assert refused.value.param == "messages[0].content[0].input"


def test_marks() -> None:
    assert mark(None) is None
    assert mark(CacheControl("ephemeral")) == "5m"
    assert mark(CacheControl("ephemeral", "1h")) == "1h"
