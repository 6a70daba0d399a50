"""Messages in OpenAI's form become canonical blocks, or are refused with their path."""

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
from kaigate.surfaces.openai_chat_messages import canonical_messages
from kaigate.surfaces.openai_chat_wire import WireMessage

CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}


def read(*messages: dict[str, Any]) -> tuple[Message, ...]:
    return canonical_messages(msgspec.convert(list(messages), list[WireMessage]))


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        ({"role": "system", "content": "s"}, Message("system", (TextBlock("s"),))),
        ({"role": "developer", "content": "d"}, Message("system", (TextBlock("d"),), developer=True)),
        ({"role": "user", "content": "u", "name": "ann"}, Message("user", (TextBlock("u"),), "ann")),
        ({"role": "user", "content": ""}, Message("user", (TextBlock(""),))),
        (
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            Message("user", (TextBlock("a"), TextBlock("b"))),
        ),
        ({"role": "assistant", "content": "a"}, Message("assistant", (TextBlock("a"),))),
        (
            {"role": "assistant", "content": None, "tool_calls": [CALL], "refusal": None, "audio": None},
            Message("assistant", (ToolCallBlock("c1", "look", "{}"),)),
        ),
        (
            {"role": "assistant", "content": "a", "reasoning_content": "r", "annotations": [{"type": "url_citation"}]},
            Message("assistant", (ReasoningBlock("r"), TextBlock("a"))),
        ),
        (
            {"role": "assistant", "content": "a", "reasoning": "r"},
            Message("assistant", (ReasoningBlock("r"), TextBlock("a"))),
        ),
        ({"role": "assistant", "refusal": "no"}, Message("assistant", (RefusalBlock("no"),))),
        (
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
            Message("assistant", (RefusalBlock("no"),)),
        ),
        (
            {"role": "tool", "content": "t", "tool_call_id": "c1"},
            Message("tool", (TextBlock("t"),), tool_call_id="c1"),
        ),
    ],
)
def test_each_role(wire: dict[str, Any], expected: Message) -> None:
    assert read(wire) == (expected,)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
            ImageBlock(url="https://example.com/a.png", detail="low"),
        ),
        (
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            ImageBlock(data="AAAA", media_type="image/png"),
        ),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}, AudioBlock("AAAA", "wav")),
        (
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}},
            DocumentBlock(data="AAAA", media_type="application/pdf", name="a.pdf"),
        ),
        ({"type": "file", "file": {"file_data": "AAAA"}}, DocumentBlock(data="AAAA")),
    ],
)
def test_each_part_of_a_user_message(part: dict[str, Any], expected: Any) -> None:
    assert read({"role": "user", "content": [part]})[0].blocks == (expected,)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/a.png",
        "https://",
        "file:///etc/passwd",
        "ftp://x",
        "https://exa mple.com",
        "https://example.com/\n",
        "//example.com/a.png",
        "data:image/jpg;base64,AAAA",
        "data:text/html;base64,AAAA",
        "data:image/png,AAAA",
        "data:image/png;base64",
        "data:image/png;base64,",
        "data:image/png;base64,AAA",
        "data:image/png;base64,A A=",
        "data:image/png;charset=x;base64,AAAA",
    ],
)
def test_an_image_comes_from_https_or_a_data_uri(url: str) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        read(
            {"role": "user", "content": "x"},
            {
                "role": "user",
                "content": [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": url}}],
            },
        )
    assert caught.value.param == "messages[1].content[1].image_url.url"
    assert url not in caught.value.message


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ({"type": "file", "file": {"file_id": "file-1"}}, "file.file_id"),
        ({"type": "file", "file": {"filename": "x"}}, "file.file_data"),
        (
            {"type": "file", "file": {"file_data": "data:application/zip;base64,AAAA"}},
            "file.file_data",
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "?", "format": "wav"}},
            "input_audio.data",
        ),
    ],
)
def test_files_and_audio_are_sent_inline(part: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        read({"role": "user", "content": [part]})
    assert caught.value.param == f"messages[0].content[0].{field}"


@pytest.mark.parametrize(
    "wire",
    [
        {"role": "assistant"},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "assistant", "reasoning_content": "only"},
    ],
)
def test_an_assistant_message_says_something(wire: dict[str, Any]) -> None:
    with pytest.raises(RequestInvalidError, match=r"messages\[0\].content is required"):
        read(wire)


def test_a_legacy_function_result_answers_the_latest_call_of_its_name() -> None:
    call = {"role": "assistant", "content": None, "function_call": {"name": "look", "arguments": "{}"}}
    result = {"role": "function", "name": "look", "content": "found"}
    messages = read(call, result, call, result)
    calls = [message.blocks[0].id for message in messages if isinstance(message.blocks[0], ToolCallBlock)]
    assert [message.tool_call_id for message in messages if message.role == "tool"] == calls
    assert len(set(calls)) == 2


def test_a_legacy_function_result_without_a_call_is_refused() -> None:
    with pytest.raises(RequestInvalidError) as caught:
        read({"role": "function", "name": "look", "content": None})
    assert caught.value.param == "messages[0].name"
