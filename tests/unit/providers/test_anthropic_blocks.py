"""Each kind of content in Anthropic's form, or a refusal that names it."""

import base64
from typing import Any

import msgspec
import pytest

from kaigate.chat.content import AudioBlock, Block, DocumentBlock, ImageBlock, Message, TextBlock, ToolCallBlock
from kaigate.errors import RequestInvalidError
from kaigate.providers.anthropic_blocks import wire_block, wire_id, wire_result

PDF = base64.b64encode(b"%PDF-1.7 ...").decode()
NOTE = base64.b64encode("Grüße".encode()).decode()
MARK = {"type": "ephemeral"}


def wire(block: Block) -> Any:
    return msgspec.json.decode(msgspec.json.encode(wire_block(block, "messages[0]")))


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (TextBlock("a"), {"type": "text", "text": "a"}),
        (TextBlock("a", cache="5m"), {"type": "text", "text": "a", "cache_control": MARK}),
        (TextBlock(" \n"), None),
        (
            ImageBlock(data="AAAA", media_type="image/jpg", cache="1h"),
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/jpeg", "data": "AAAA"},
                "cache_control": {"type": "ephemeral", "ttl": "1h"},
            },
        ),
        (
            ImageBlock(data="AAAA", media_type="image/WEBP"),
            {"type": "image", "source": {"type": "base64", "media_type": "image/webp", "data": "AAAA"}},
        ),
        (
            ImageBlock(url="https://a.example/b.png", detail="high"),
            {"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}},
        ),
        (
            DocumentBlock(
                data=PDF, media_type="application/pdf", name="a.pdf", context="c", citations=True, cache="5m"
            ),
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
                "title": "a.pdf",
                "context": "c",
                "citations": {"enabled": True},
                "cache_control": MARK,
            },
        ),
        (
            DocumentBlock(data=PDF),
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}},
        ),
        (
            DocumentBlock(data=NOTE, media_type="text/plain"),
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Grüße"}},
        ),
        (
            DocumentBlock(text="Hi"),
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Hi"}},
        ),
        (
            DocumentBlock(url="https://a.example/b.pdf"),
            {"type": "document", "source": {"type": "url", "url": "https://a.example/b.pdf"}},
        ),
        (
            ToolCallBlock("toolu_1", "f", " ", cache="5m"),
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}, "cache_control": MARK},
        ),
    ],
)
def test_a_block(block: Block, expected: Any) -> None:
    assert wire(block) == expected


def test_arguments_stay_the_model_s_own_bytes() -> None:
    text = '{ "b": 1.10, "a": 123456789012345678901234567890 }'
    encoded = msgspec.json.encode(wire_block(ToolCallBlock("t", "f", text), "messages[0]"))
    assert b'"input":' + text.encode() in encoded


@pytest.mark.parametrize(
    ("block", "code"),
    [
        (AudioBlock("AAAA", "wav"), "unsupported_parameter"),
        (ImageBlock(data="AAAA", media_type="image/tiff"), "unsupported_parameter"),
        (ImageBlock(media_type="image/png"), "unsupported_parameter"),
        (DocumentBlock(file_id="file-1"), "unsupported_parameter"),
        (DocumentBlock(data="AAAA"), "unsupported_parameter"),
        (DocumentBlock(data="AAAA", media_type="text/html"), "unsupported_parameter"),
        (DocumentBlock(data="/w==", media_type="text/plain"), "unsupported_parameter"),
        (DocumentBlock(data="?", media_type="text/plain"), "unsupported_parameter"),
        (ToolCallBlock("", "f", "{}"), "invalid_request"),
        (ToolCallBlock("t", "f", "[1]"), "invalid_request"),
        (ToolCallBlock("t", "f", '{"secret": '), "invalid_request"),
        (ToolCallBlock("t", "f", '{"a":' * 100_000), "invalid_request"),
    ],
)
def test_what_can_not_be_sent_is_refused_by_its_place(block: Block, code: str) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        wire_block(block, "messages[3]")
    assert caught.value.code == code
    assert str(caught.value.param).startswith("messages[3].")
    assert "secret" not in caught.value.message


def test_results() -> None:
    image = ImageBlock(data="AAAA", media_type="image/png")
    message = Message("tool", (TextBlock("a"), image), tool_call_id="t", is_error=True, cache="5m")
    assert wire_result(message, "messages[0]") == {
        "type": "tool_result",
        "tool_use_id": "t",
        "content": [
            {"type": "text", "text": "a"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
        ],
        "is_error": True,
        "cache_control": MARK,
    }
    marked = Message("tool", (TextBlock("a", cache="5m"),), tool_call_id="t")
    assert wire_result(marked, "messages[0]")["content"] == [{"type": "text", "text": "a", "cache_control": MARK}]
    assert "content" not in wire_result(Message("tool", (TextBlock(""),), tool_call_id="t"), "messages[0]")
    with pytest.raises(RequestInvalidError, match="tool_call_id is required"):
        wire_result(Message("tool", (TextBlock("a"),)), "messages[0]")


def test_an_id_in_other_characters_gets_the_same_stand_in_each_time() -> None:
    assert wire_id("call_A-1") == "call_A-1"
    for foreign in ("functions.f:0", "ü", "x" * 129, "a b", "\ud800"):
        stand_in = wire_id(foreign)
        assert stand_in == wire_id(foreign) == wire_id(stand_in)
        assert stand_in.startswith("toolu_")
    assert wire_id("f:0") != wire_id("f:1")
