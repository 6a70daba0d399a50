"""Items become turns: neighbouring items of the assistant are one, everything else stands alone."""

from typing import Any

import msgspec
import pytest

from kaigate.chat.content import (
    AudioBlock,
    DocumentBlock,
    ImageBlock,
    Message,
    ReasoningBlock,
    RefusalBlock,
    TextBlock,
    ToolCallBlock,
)
from kaigate.errors import RequestInvalidError
from kaigate.surfaces.openai_responses_items import canonical_messages, unserved_at
from kaigate.surfaces.openai_responses_wire import Item

CALL = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"}
OTHER_CALL = {**CALL, "call_id": "c2"}
SAID = {"type": "message", "role": "assistant", "content": "Wait."}
THOUGHT = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}
ASKED = {"type": "message", "role": "user", "content": "Hi"}
RESULT = {"type": "function_call_output", "call_id": "c1", "output": "Rain"}
CALLED = ToolCallBlock("c1", "look", "{}")


def read(*items: dict[str, Any]) -> tuple[Message, ...]:
    return canonical_messages([msgspec.convert(item, Item) for item in items])  # type: ignore[call-overload]


def refused(*items: dict[str, Any]) -> RequestInvalidError:
    with pytest.raises(RequestInvalidError) as caught:
        read(*items)
    return caught.value


@pytest.mark.parametrize(
    ("items", "turns"),
    [
        ([THOUGHT, SAID, CALL, OTHER_CALL], [["ReasoningBlock", "TextBlock", "ToolCallBlock", "ToolCallBlock"]]),
        ([CALL, SAID, OTHER_CALL], [["ToolCallBlock", "TextBlock", "ToolCallBlock"]]),
        ([SAID, SAID], [["TextBlock"], ["TextBlock"]]),
        ([SAID, THOUGHT, CALL], [["TextBlock"], ["ReasoningBlock", "ToolCallBlock"]]),
        ([THOUGHT, CALL, THOUGHT, OTHER_CALL], [["ReasoningBlock", "ToolCallBlock"] * 2]),
        ([CALL, RESULT, SAID], [["ToolCallBlock"], ["TextBlock"], ["TextBlock"]]),
        ([SAID, ASKED, SAID], [["TextBlock"], ["TextBlock"], ["TextBlock"]]),
    ],
)
def test_turns(items: list[dict[str, Any]], turns: list[list[str]]) -> None:
    assert [[type(block).__name__ for block in message.blocks] for message in read(*items)] == turns


def test_roles() -> None:
    developer = {**ASKED, "role": "developer"}
    system = {**ASKED, "role": "system"}
    hi = (TextBlock("Hi"),)
    assert read(system, developer, ASKED, CALL, RESULT) == (
        Message("system", hi),
        Message("system", hi, developer=True),
        Message("user", hi),
        Message("assistant", (CALLED,)),
        Message("tool", (TextBlock("Rain"),), tool_call_id="c1"),
    )


def test_parts_of_a_user() -> None:
    parts = [
        {"type": "input_text", "text": "a"},
        {"type": "input_image", "image_url": "data:image/png;base64,QUJD", "detail": "low"},
        {"type": "input_image", "image_url": "https://example.com/a.png"},
        {"type": "input_file", "file_data": "data:application/pdf;base64,QUJD", "filename": "a.pdf"},
        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
        {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}},
    ]
    (message,) = read({**ASKED, "content": parts})
    assert message.blocks == (
        TextBlock("a"),
        ImageBlock(data="QUJD", media_type="image/png", detail="low"),
        ImageBlock(url="https://example.com/a.png"),
        DocumentBlock(data="QUJD", media_type="application/pdf", name="a.pdf"),
        DocumentBlock(url="https://example.com/a.pdf"),
        AudioBlock("QUJD", "wav"),
    )


def test_parts_of_the_assistant() -> None:
    parts = [
        {"type": "output_text", "text": "a", "annotations": [{"type": "x"}], "logprobs": []},
        {"type": "refusal", "refusal": "No."},
        {"type": "input_text", "text": "b"},
    ]
    (message,) = read({**SAID, "content": parts, "id": "msg_1", "status": "completed", "phase": "final_answer"})
    assert message.blocks == (TextBlock("a"), RefusalBlock("No."), TextBlock("b"))


def test_a_result_may_have_parts() -> None:
    output = [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "https://example.com/a.png"}]
    (_, message) = read(CALL, {**RESULT, "output": output})
    assert message.blocks == (TextBlock("a"), ImageBlock(url="https://example.com/a.png"))


@pytest.mark.parametrize(
    ("thought", "block"),
    [
        ({"summary": [{"type": "summary_text", "text": text} for text in "ab"]}, ReasoningBlock("a\n\nb")),
        (
            {"content": [{"type": "reasoning_text", "text": "raw"}], "summary": THOUGHT["summary"]},
            ReasoningBlock("raw"),
        ),
        (
            {"summary": THOUGHT["summary"], "encrypted_content": "signature.s=="},
            ReasoningBlock("Hm.", "s=="),
        ),
        ({"encrypted_content": "signature.s=="}, ReasoningBlock("", "s==")),
        ({"summary": THOUGHT["summary"], "encrypted_content": "gAAA"}, ReasoningBlock("", redacted="gAAA")),
    ],
)
def test_reasoning(thought: dict[str, Any], block: ReasoningBlock) -> None:
    assert read({"type": "reasoning", "id": "rs_1", **thought}, CALL) == (Message("assistant", (block, CALLED)),)


def test_reasoning_without_content_is_nothing() -> None:
    assert read({"type": "reasoning", "id": "rs_1", "summary": []}, CALL) == (Message("assistant", (CALLED,)),)


@pytest.mark.parametrize(
    ("items", "param"),
    [
        ([THOUGHT, ASKED], "input[1]"),
        ([ASKED, THOUGHT], "input[1]"),
        ([{**ASKED, "content": [{"type": "output_text", "text": "x"}]}], "input[0].content[0].type"),
        (
            [{**SAID, "content": [{"type": "input_image", "image_url": "https://a.example"}]}],
            "input[0].content[0].type",
        ),
        ([{**ASKED, "content": [{"type": "input_image"}]}], "input[0].content[0].image_url"),
        ([{**ASKED, "content": [{"type": "input_image", "image_url": "http://a"}]}], "input[0].content[0].image_url"),
        ([{**ASKED, "content": [{"type": "input_image", "file_id": "f"}]}], "input[0].content[0].file_id"),
        ([{**ASKED, "content": [{"type": "input_file", "file_id": "f"}]}], "input[0].content[0].file_id"),
        ([{**ASKED, "content": [{"type": "input_file"}]}], "input[0].content[0].file_data"),
        ([{**ASKED, "content": [{"type": "input_file", "file_url": "http://a"}]}], "input[0].content[0].file_url"),
        (
            [{**ASKED, "content": [{"type": "input_file", "file_url": "https://a.example", "file_data": "QUJD"}]}],
            "input[0].content[0].file_url",
        ),
        (
            [{**ASKED, "content": [{"type": "input_audio", "input_audio": {"data": "!", "format": "wav"}}]}],
            "input[0].content[0].input_audio.data",
        ),
        ([CALL, {**RESULT, "output": [{"type": "input_file", "file_id": "f"}]}], "input[1].output[0].file_id"),
    ],
)
def test_what_is_refused_is_named_by_its_path(items: list[dict[str, Any]], param: str) -> None:
    assert refused(*items).param == param


def test_a_message_needs_no_type() -> None:
    items: list[dict[str, Any]] = [{"role": "user", "content": "x"}, {"type": "item_reference", "id": "x"}]
    assert unserved_at(items) == 1
    assert items[0]["type"] == "message"
    assert unserved_at(items[:1]) is None
    assert unserved_at([{"type": ["message"]}]) == 0
