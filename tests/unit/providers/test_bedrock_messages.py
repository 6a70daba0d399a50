"""Conversations in Converse's form."""

from typing import Any

import msgspec
import pytest

from kaigate.chat.content import (
    AudioBlock,
    Block,
    DocumentBlock,
    ImageBlock,
    Message,
    ReasoningBlock,
    RefusalBlock,
    TextBlock,
    ToolCallBlock,
)
from kaigate.chat.request import ChatRequest
from kaigate.errors import RequestInvalidError
from kaigate.providers.bedrock_cache import CachePoints
from kaigate.providers.bedrock_messages import FIRST_TURN, NO_RESULT, Conversation
from kaigate.providers.bedrock_names import ToolNames


def text(role: str, *texts: str, **fields: Any) -> Message:
    return Message(role, tuple(map(TextBlock, texts)), **fields)  # type: ignore[arg-type]


def converse(*messages: Message, replays: bool = True) -> tuple[Any, Any]:
    request = ChatRequest("m", messages)
    found = Conversation(request, ToolNames(request), CachePoints([], supported=True), replays_reasoning=replays)
    return msgspec.json.decode(msgspec.json.encode((found.system, found.messages)))


def test_system_and_developer_turns_are_the_system_wherever_they_stand() -> None:
    system, messages = converse(text("system", "a"), text("user", "b"), text("system", "c", "d", developer=True))
    assert system == [{"text": "a"}, {"text": "c"}, {"text": "d"}]
    assert messages == [{"role": "user", "content": [{"text": "b"}]}]


def test_neighbours_of_one_role_are_one_turn() -> None:
    _, messages = converse(text("user", "a"), text("user", "b"), text("assistant", "c"), text("assistant", "d"))
    assert messages == [
        {"role": "user", "content": [{"text": "a"}, {"text": "b"}]},
        {"role": "assistant", "content": [{"text": "c"}, {"text": "d"}]},
    ]


def test_blank_texts_and_turns_are_left_out() -> None:
    system, messages = converse(
        text("system", " "), text("user", "a", "", " \n"), text("assistant", ""), text("user", "b")
    )
    assert system == []
    assert messages == [{"role": "user", "content": [{"text": "a"}, {"text": "b"}]}]


@pytest.mark.parametrize("messages", [(text("system", "a"),), (text("user", " "),), ()])
def test_a_conversation_without_text_is_refused(messages: tuple[Message, ...]) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        converse(*messages)
    assert caught.value.param == "messages"


def test_the_first_turn_is_the_user_s() -> None:
    _, messages = converse(text("assistant", "a"), text("user", "b"))
    assert messages[0] == {"role": "user", "content": [{"text": FIRST_TURN}]}
    assert messages[1]["role"] == "assistant"


def test_the_beginning_of_an_answer_does_not_end_in_white_space() -> None:
    _, messages = converse(text("user", "a"), text("assistant", "Once \n"))
    assert messages[-1]["content"] == [{"text": "Once"}]


def call(identity: str = "c1", arguments: str = "{}") -> ToolCallBlock:
    return ToolCallBlock(identity, "get.it", arguments)


def test_results_of_tools_are_one_turn_of_the_user_s() -> None:
    _, messages = converse(
        text("user", "a"),
        Message("assistant", (TextBlock("b"), call("c1", '{"n":12345678901234567890}'), call("c|2", ""))),
        text("tool", "one", tool_call_id="c1"),
        Message("tool", (), tool_call_id="c|2", is_error=True),
        text("user", "d"),
    )
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    first, second = (block["toolUse"] for block in messages[1]["content"][1:])
    assert first == {"toolUseId": "c1", "name": "get_it", "input": {"n": 12345678901234567890}}
    assert (second["toolUseId"], second["input"]) == ("c_2", {})
    assert messages[2]["content"] == [
        {"toolResult": {"toolUseId": "c1", "content": [{"text": "one"}]}},
        {"toolResult": {"toolUseId": "c_2", "content": [{"text": NO_RESULT}], "status": "error"}},
        {"text": "d"},
    ]


def test_numbers_of_arguments_stay_as_they_were_written() -> None:
    request = ChatRequest("m", (text("user", "a"), Message("assistant", (call(arguments=' {"n":1.50e3} '),))))
    found = Conversation(request, ToolNames(request), CachePoints([], supported=True), replays_reasoning=True)
    assert found.has_tool_blocks
    assert b'"input":{"n":1.50e3}' in msgspec.json.encode(found.messages)


@pytest.mark.parametrize("arguments", ["[]", "1", "{", '{"a":}', '"x"', "{}{}"])
def test_arguments_that_are_no_object_are_refused(arguments: str) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        converse(text("user", "a"), Message("assistant", (call(arguments=arguments),)))
    assert (caught.value.code, caught.value.param) == ("invalid_request", "messages[1].tool_calls")


def test_a_result_without_its_call_s_id_is_refused() -> None:
    with pytest.raises(RequestInvalidError):
        converse(text("user", "a"), text("tool", "x"))


SIGNED = ReasoningBlock("why", signature="sig")
REDACTED = ReasoningBlock("", redacted="Y2FuYXJ5")


def test_reasoning_is_replayed_first_and_byte_for_byte() -> None:
    _, messages = converse(text("user", "a"), Message("assistant", (TextBlock("b"), SIGNED, REDACTED, call())))
    assert messages[1]["content"][:3] == [
        {"reasoningContent": {"reasoningText": {"text": "why", "signature": "sig"}}},
        {"reasoningContent": {"redactedContent": "Y2FuYXJ5"}},
        {"text": "b"},
    ]


def test_reasoning_between_other_blocks_stays_where_the_model_put_it() -> None:
    _, messages = converse(text("user", "a"), Message("assistant", (SIGNED, TextBlock("b"), SIGNED, call())))
    assert [next(iter(block)) for block in messages[1]["content"]] == [
        "reasoningContent",
        "text",
        "reasoningContent",
        "toolUse",
    ]


def test_reasoning_that_would_be_refused_is_not_replayed() -> None:
    blocks = (ReasoningBlock("unsigned"), TextBlock("b"))
    assert converse(text("user", "a"), Message("assistant", blocks))[1][1]["content"] == [{"text": "b"}]
    other = converse(text("user", "a"), Message("assistant", (SIGNED, TextBlock("b"))), replays=False)
    assert other[1][1]["content"] == [{"text": "b"}]


def test_a_refusal_is_what_was_said() -> None:
    _, messages = converse(text("user", "a"), Message("assistant", (RefusalBlock("no"),)))
    assert messages[1]["content"] == [{"text": "no"}]


PDF = DocumentBlock(data="eA==", media_type="application/pdf", name="plan.pdf")
PNG = ImageBlock(data="eA==", media_type="image/png")


def test_a_document_has_a_text_beside_it() -> None:
    alone = converse(Message("user", (PDF,)))[1][0]["content"]
    assert [next(iter(block)) for block in alone] == ["text", "document"]
    assert alone[0] == {"text": "plan"}
    beside = converse(Message("user", (TextBlock("read"), PDF, PNG)))[1][0]["content"]
    assert [next(iter(block)) for block in beside] == ["text", "document", "image"]


def test_results_may_hold_images_and_documents() -> None:
    _, messages = converse(
        text("user", "a"), Message("assistant", (call(),)), Message("tool", (PNG, PDF), tool_call_id="c1")
    )
    assert [next(iter(block)) for block in messages[2]["content"][0]["toolResult"]["content"]] == ["image", "document"]


@pytest.mark.parametrize(
    "message",
    [
        Message("user", (AudioBlock("x", "wav"),)),
        Message("user", (call(),)),
        Message("system", (PNG,)),
        Message("assistant", (PNG,)),
        Message("tool", (AudioBlock("x", "wav"),), tool_call_id="c1"),
    ],
)
def test_parts_that_can_not_stand_there_are_refused(message: Message) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        converse(text("user", "a"), message)
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", "messages[1].content")


POINT = {"cachePoint": {"type": "default"}}


@pytest.mark.parametrize(
    "block",
    [
        TextBlock("a", cache="5m"),
        ImageBlock(data="eA==", media_type="image/png", cache="5m"),
        DocumentBlock(data="eA==", media_type="application/pdf", cache="5m"),
    ],
)
def test_a_cache_point_follows_what_is_marked(block: Block) -> None:
    content = converse(Message("user", (block, TextBlock("b"))))[1][0]["content"]
    assert [next(iter(one)) for one in content][1:] == ["cachePoint", "text"]


def test_cache_points_of_system_calls_and_results() -> None:
    marked = ToolCallBlock("c1", "t", "{}", cache="5m")
    system, messages = converse(
        Message("system", (TextBlock("s", cache="1h"),)),
        text("user", "a"),
        Message("assistant", (marked,)),
        Message("tool", (TextBlock("r", cache="5m"),), tool_call_id="c1"),
        Message("tool", (TextBlock("r"),), tool_call_id="c1", cache="5m"),
    )
    assert system[1] == {"cachePoint": {"type": "default", "ttl": "1h"}}
    assert messages[1]["content"][1] == POINT
    assert [next(iter(block)) for block in messages[2]["content"]] == [
        "toolResult",
        "cachePoint",
        "toolResult",
        "cachePoint",
    ]
