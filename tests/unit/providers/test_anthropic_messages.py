"""Conversations in Anthropic's form: system apart, the user first, results together."""

from typing import Any

import msgspec
import pytest

from kaigate.chat.content import (
    Block,
    ImageBlock,
    Message,
    ReasoningBlock,
    RefusalBlock,
    TextBlock,
    ToolCallBlock,
)
from kaigate.errors import RequestInvalidError
from kaigate.providers.anthropic_messages import OPENING, conversation

HI = Message("user", (TextBlock("Hi"),))
CALL = ToolCallBlock("toolu_1", "f", '{"a":1}')
WIRE_CALL = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}}


def text(value: str, **fields: Any) -> dict[str, Any]:
    return {"type": "text", "text": value, **fields}


def assistant(*blocks: Block) -> Message:
    return Message("assistant", blocks)


def result(call_id: str, *blocks: Block, **fields: Any) -> Message:
    return Message("tool", blocks, tool_call_id=call_id, **fields)


def turns(*messages: Message) -> list[dict[str, Any]]:
    return msgspec.json.decode(msgspec.json.encode(conversation(messages).turns))  # type: ignore[no-any-return]


def test_plain_texts_stay_strings() -> None:
    assert turns(HI, assistant(TextBlock("Hello")), HI) == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "Hi"},
    ]


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        ([], None),
        ([("a", None)], "a"),
        ([("a", None), ("b", None)], [text("a"), text("b")]),
        ([("a", "5m")], [text("a", cache_control={"type": "ephemeral"})]),
        ([("a", None), ("b", "1h")], [text("a"), text("b", cache_control={"type": "ephemeral", "ttl": "1h"})]),
        ([(" \n", "5m"), ("b", None)], "b"),
    ],
)
def test_system_and_developer_messages_join_with_their_marks(system: list[Any], expected: Any) -> None:
    apart = [
        Message("system", (TextBlock(words, cache=cache),), developer=bool(at))
        for at, (words, cache) in enumerate(system)
    ]
    together = [Message("system", tuple(TextBlock(words, cache=cache) for words, cache in system))] if system else []
    for first in (apart, together):
        assert conversation([*first, HI]).system == expected
    assert conversation([HI, *apart]).system == expected, "from anywhere in the list"


def test_results_of_tools_are_one_turn_of_the_user_with_what_the_user_says_then() -> None:
    messages = (
        HI,
        assistant(CALL, ToolCallBlock("toolu_2", "g", "")),
        result("toolu_1", TextBlock("one")),
        result("toolu_2", TextBlock("no"), is_error=True),
        Message("user", (TextBlock("Go on"),)),
    )
    assert turns(*messages) == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [WIRE_CALL, {"type": "tool_use", "id": "toolu_2", "name": "g", "input": {}}]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "one"},
                {"type": "tool_result", "tool_use_id": "toolu_2", "content": "no", "is_error": True},
                text("Go on"),
            ],
        },
    ]


def test_neighbours_of_one_role_are_one_turn() -> None:
    assert turns(HI, HI, assistant(TextBlock("a")), assistant(TextBlock("b"), CALL), result("toolu_1")) == [
        {"role": "user", "content": [text("Hi"), text("Hi")]},
        {"role": "assistant", "content": [text("a"), text("b"), WIRE_CALL]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1"}]},
    ]


@pytest.mark.parametrize("empty", [assistant(), assistant(TextBlock("")), assistant(TextBlock(" \n"), TextBlock(""))])
def test_an_empty_turn_is_skipped(empty: Message) -> None:
    assert turns(HI, empty, HI) == [{"role": "user", "content": [text("Hi"), text("Hi")]}]
    assert turns(HI, Message("user", empty.blocks)) == [{"role": "user", "content": "Hi"}]
    assert turns(HI, assistant(*empty.blocks, CALL))[1]["content"] == [WIRE_CALL], "a blank block beside others too"


def test_a_conversation_that_the_assistant_began_gets_a_turn_of_the_user_before() -> None:
    assert turns(assistant(TextBlock("Welcome")), HI)[0] == {"role": "user", "content": OPENING}
    assert OPENING.strip()


@pytest.mark.parametrize(
    "messages", [(), (Message("system", (TextBlock("a"),)),), (Message("user", (TextBlock(" "),)),)]
)
def test_a_conversation_without_content_is_refused(messages: tuple[Message, ...]) -> None:
    with pytest.raises(RequestInvalidError, match="user's message"):
        conversation(messages)


def test_a_prefill_ends_without_white_space() -> None:
    assert turns(HI, assistant(TextBlock("The answer is \n")))[1] == {"role": "assistant", "content": "The answer is"}
    assert turns(HI, assistant(TextBlock("a "), TextBlock("b ")))[1]["content"] == [text("a "), text("b")]
    assert turns(HI, assistant(TextBlock("a ")), HI)[1]["content"] == "a ", "only at the end of the conversation"


def test_reasoning_is_replayed_first_and_byte_for_byte() -> None:
    thought = ReasoningBlock(" hm\n", signature="c2ln==")
    opaque = ReasoningBlock("", redacted="b3Bh")
    omitted = ReasoningBlock("", signature="c2ln")
    wire = [
        {"type": "thinking", "thinking": " hm\n", "signature": "c2ln=="},
        {"type": "redacted_thinking", "data": "b3Bh"},
        {"type": "thinking", "thinking": "", "signature": "c2ln"},
    ]
    expected = [*wire, text("a"), WIRE_CALL]
    for blocks in (
        (thought, opaque, omitted, TextBlock("a"), CALL),
        (TextBlock("a"), thought, opaque, omitted, CALL),
        (TextBlock("a"), CALL, thought, opaque, omitted),
    ):
        assert turns(HI, assistant(*blocks), HI)[1]["content"] == expected
    between = (thought, TextBlock("a"), opaque, CALL)
    assert turns(HI, assistant(*between))[1]["content"] == [wire[0], text("a"), wire[1], WIRE_CALL], "as it came"


def test_reasoning_of_another_provider_is_left_out_and_named() -> None:
    talk = conversation((HI, assistant(ReasoningBlock("hm"), TextBlock("a")), assistant(ReasoningBlock("so"))))
    assert talk.dropped == ["reasoning_content"]
    assert talk.turns[1].content == [text("a")]


def test_names_of_participants_are_named_as_dropped() -> None:
    talk = conversation(
        (Message("user", (TextBlock("Hi"),), name="ann"), Message("user", (TextBlock("Hi"),), name="bo"))
    )
    assert talk.dropped == ["name"]


def test_an_earlier_refusal_is_text() -> None:
    assert turns(HI, assistant(RefusalBlock("No.")), HI)[1]["content"] == [text("No.")]


@pytest.mark.parametrize(
    "message",
    [
        Message("system", (ImageBlock(url="https://a.example/b"),)),
        assistant(ImageBlock(url="https://a.example/b")),
        Message("tool", (TextBlock("x"),)),
        assistant(ToolCallBlock("t", "f", "not json")),
    ],
)
def test_a_refusal_names_the_message(message: Message) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        conversation((HI, message))
    assert caught.value.param is not None
    assert caught.value.param.startswith("messages[1].")
