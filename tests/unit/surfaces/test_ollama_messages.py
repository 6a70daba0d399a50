"""Ollama's messages become canonical ones; calls without ids get them, and results find their calls."""

from typing import Any

import msgspec
import pytest

from kaigate.chat.content import ImageBlock, Message, ReasoningBlock, TextBlock, ToolCallBlock
from kaigate.errors import RequestInvalidError
from kaigate.surfaces.ollama_messages import canonical_messages, user_message
from kaigate.surfaces.ollama_wire import WireMessage

PNG = "iVBORw0KGgoAAAANSUhE"


def read(*messages: dict[str, Any]) -> tuple[Message, ...]:
    return canonical_messages(msgspec.convert(messages, list[WireMessage]))


def call(name: str, arguments: Any = None, **fields: Any) -> dict[str, Any]:
    return {"function": {"name": name, "arguments": arguments}, **fields}


def test_each_role() -> None:
    assert read(
        {"role": "system", "content": "s"},
        {"role": "user", "content": "u"},
        {"role": "assistant", "content": "a", "thinking": "t"},
        {"role": "user"},
    ) == (
        Message("system", (TextBlock("s"),)),
        Message("user", (TextBlock("u"),)),
        Message("assistant", (ReasoningBlock("t"), TextBlock("a"))),
        Message("user", (TextBlock(""),)),
    )


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (PNG, "image/png"),
        ("/9j/4AAQ", "image/jpeg"),
        ("R0lGODlh", "image/gif"),
        ("UklGRgAA", "image/webp"),
    ],
)
def test_the_type_of_an_image_is_seen_in_its_first_bytes(data: str, media_type: str) -> None:
    image = ImageBlock(data=data, media_type=media_type)
    assert read({"role": "user", "content": "x", "images": [data]})[0].blocks == (TextBlock("x"), image)
    assert read({"role": "user", "content": "", "images": [data]})[0].blocks == (image,)
    assert user_message("", [data]).blocks == (image,)


def test_calls_without_ids_get_stable_ones_and_results_find_them_by_name() -> None:
    messages = (
        {"role": "assistant", "tool_calls": [call("f", {"a": 1}), call("g"), call("f", {"a": 2})]},
        {"role": "tool", "tool_name": "g", "content": "of g"},
        {"role": "tool", "tool_name": "f", "content": "of the first f"},
        {"role": "tool", "content": "of what is left"},
    )
    turns = read(*messages)
    assert turns == read(*messages)
    assert turns[0].blocks == (
        ToolCallBlock("call_0_0", "f", '{"a":1}'),
        ToolCallBlock("call_0_1", "g", "{}"),
        ToolCallBlock("call_0_2", "f", '{"a":2}'),
    )
    assert [(turn.tool_call_id, turn.name) for turn in turns[1:]] == [
        ("call_0_1", "g"),
        ("call_0_0", "f"),
        ("call_0_2", None),
    ]


def test_ids_are_kept_where_they_are_sent() -> None:
    turns = read(
        {"role": "assistant", "content": "Let me see.", "tool_calls": [call("f", id="x"), call("f", id="y")]},
        {"role": "tool", "tool_call_id": "y", "content": "b"},
        {"role": "tool", "tool_name": "f", "content": "a"},
    )
    assert turns[0].blocks[0] == TextBlock("Let me see.")
    assert [turn.tool_call_id for turn in turns[1:]] == ["y", "x"]


def test_a_call_that_was_answered_by_its_id_is_answered() -> None:
    turns = read(
        {"role": "assistant", "tool_calls": [call("f", id="x"), call("f", id="y")]},
        {"role": "tool", "tool_call_id": "x", "content": "a"},
        {"role": "tool", "tool_name": "f", "content": "b"},
    )
    assert [turn.tool_call_id for turn in turns[1:]] == ["x", "y"]


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "tool", "content": "x"}, "messages[0]"),
        ({"role": "tool", "content": "x", "tool_name": "f"}, "messages[0].tool_name"),
        ({"role": "user", "thinking": "x"}, "messages[0].thinking"),
        ({"role": "user", "tool_calls": [call("f")]}, "messages[0].tool_calls"),
        ({"role": "user", "tool_name": "f"}, "messages[0].tool_name"),
        ({"role": "user", "tool_call_id": "f"}, "messages[0].tool_call_id"),
        ({"role": "assistant", "images": [PNG]}, "messages[0].images"),
        ({"role": "user", "images": ["AAAA"]}, "messages[0].images[0]"),
        ({"role": "user", "images": [PNG + "="]}, "messages[0].images[0]"),
        ({"role": "user", "images": [PNG[:-4] + '"x" ']}, "messages[0].images[0]"),
        ({"role": "user", "images": ["https://example.com/x.png"]}, "messages[0].images[0]"),
    ],
)
def test_what_a_role_can_not_have_is_refused_with_its_path(message: dict[str, Any], param: str) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        read(message)
    assert caught.value.param == param
