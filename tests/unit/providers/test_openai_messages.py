"""Parts that OpenAI's format has no field for become text, or are refused or named; nothing is sent half."""

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
    TextBlock,
    ToolCallBlock,
)
from kaigate.errors import RequestInvalidError
from kaigate.providers.openai_messages import wire_messages
from kaigate.providers.registry import ROWS

PDF = {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}}


def wired(*messages: Message, row: str = "openai", drop: bool = False) -> tuple[list[dict[str, Any]], list[str]]:
    dropped: list[str] = []
    wire = wire_messages(messages, ROWS[row], dropped, drop_params=drop)
    return msgspec.json.decode(msgspec.json.encode(wire)), dropped


def parts(*blocks: Block, drop: bool = False) -> tuple[list[dict[str, Any]], list[str]]:
    wire, dropped = wired(Message("user", blocks), drop=drop)
    return wire[0]["content"], dropped


@pytest.mark.parametrize(
    ("block", "text"),
    [
        (DocumentBlock(text="body", media_type="text/plain"), "body"),
        (DocumentBlock(text="body", name="a.txt"), "a.txt\nbody"),
        (DocumentBlock(text="body", name="a.txt", context="an old one"), "a.txt\nan old one\nbody"),
        (DocumentBlock(text="", name="empty.txt"), "empty.txt"),
    ],
)
def test_a_document_that_is_text_becomes_text(block: DocumentBlock, text: str) -> None:
    assert parts(TextBlock("see"), block) == ([{"type": "text", "text": "see"}, {"type": "text", "text": text}], [])


def test_files_go_by_their_bytes_or_id() -> None:
    assert parts(DocumentBlock(data="AAAA", media_type="application/pdf", name="a.pdf"))[0] == [PDF]
    assert parts(DocumentBlock(data="AAAA", name="a.pdf"))[0][0]["file"] == {"file_data": "AAAA", "filename": "a.pdf"}
    assert parts(DocumentBlock(file_id="file-1"))[0] == [{"type": "file", "file": {"file_id": "file-1"}}]


def test_what_is_said_about_a_file_stands_before_it() -> None:
    block = DocumentBlock(data="AAAA", media_type="application/pdf", name="a.pdf", context="an old one")
    assert parts(block)[0] == [{"type": "text", "text": "an old one"}, PDF]


@pytest.mark.parametrize("drop", [False, True])
def test_a_file_by_its_address_is_refused(drop: bool) -> None:
    message = Message("user", (TextBlock("see"), DocumentBlock(url="https://x.example/a.pdf", name="a.pdf")))
    with pytest.raises(RequestInvalidError) as caught:
        wired(Message("user", (TextBlock("Hi"),)), message, drop=drop)
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", "messages[1].content")


def test_citations_are_refused_or_dropped() -> None:
    block = DocumentBlock(text="body", citations=True)
    with pytest.raises(RequestInvalidError) as caught:
        parts(block)
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", "citations")
    assert parts(block, drop=True) == ([{"type": "text", "text": "body"}], ["citations"])


def test_that_a_tool_failed_is_left_to_its_text_and_named_once() -> None:
    results = [Message("tool", (TextBlock(f"failed {i}"),), tool_call_id=f"c{i}", is_error=True) for i in range(2)]
    assert wired(*results) == (
        [{"role": "tool", "content": f"failed {i}", "tool_call_id": f"c{i}"} for i in range(2)],
        ["is_error"],
    )
    several = Message("tool", (TextBlock("a"), TextBlock("b")), tool_call_id="c", is_error=True)
    assert wired(several)[1] == ["is_error"]


def test_encrypted_reasoning_is_another_providers() -> None:
    turn = Message("assistant", (ReasoningBlock("", redacted="x"), ReasoningBlock("r"), TextBlock("a")))
    assert wired(turn, turn, row="llamacpp") == (
        [{"role": "assistant", "content": "a", "reasoning_content": "r"}] * 2,
        ["redacted_thinking"],
    )
    only = Message("assistant", (ReasoningBlock("", redacted="x"), TextBlock("a")))
    assert wired(only, row="llamacpp")[0] == [{"role": "assistant", "content": "a"}]


@pytest.mark.parametrize(
    "message",
    [
        Message("user", (ToolCallBlock("c", "f", "{}"),)),
        Message("user", (ReasoningBlock("r"),)),
        Message("assistant", (ImageBlock(url="https://x.example/a.png"),)),
        Message("assistant", (TextBlock("a"), AudioBlock("AAAA", "wav"))),
        Message("assistant", (DocumentBlock(text="body"),)),
    ],
)
def test_a_part_that_a_role_can_not_have_is_refused_by_its_place(message: Message) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        wired(Message("user", (TextBlock("Hi"),)), message)
    assert caught.value.param == "messages[1].content"
