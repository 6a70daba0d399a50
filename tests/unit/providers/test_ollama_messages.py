"""Messages for Ollama's native API; the official client judges their shape in `tests/contract`."""

from typing import Any

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
from kaigate.providers.ollama_messages import wire_messages

USER = Message("user", (TextBlock("Hi"),))


def wired(*messages: Message, drop: bool = False) -> tuple[list[dict[str, Any]], list[str]]:
    dropped: list[str] = []
    return wire_messages(messages, dropped, drop_params=drop), dropped


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (Message("system", (TextBlock("d"),), developer=True), {"role": "system", "content": "d"}),
        (Message("user", (TextBlock("a"), TextBlock("b"))), {"role": "user", "content": "a\nb"}),
        (
            Message("user", (TextBlock("a"), ImageBlock(data="AAAA", media_type="image/png"))),
            {"role": "user", "content": "a", "images": ["AAAA"]},
        ),
        (
            Message("assistant", (ReasoningBlock("r"), ToolCallBlock("c", "f", '{"a": 1}'))),
            {
                "role": "assistant",
                "thinking": "r",
                "content": "",
                "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": {"a": 1}}}],
            },
        ),
        (Message("assistant", (RefusalBlock("no"),)), {"role": "assistant", "content": "no"}),
        (
            Message("tool", (TextBlock("t"),), "f", tool_call_id="other"),
            {"role": "tool", "content": "t", "tool_call_id": "other", "tool_name": "f"},
        ),
    ],
)
def test_each_message(message: Message, expected: dict[str, Any]) -> None:
    assert wired(message) == ([expected], [])


def test_a_tool_result_names_the_tool_that_was_called() -> None:
    call = Message("assistant", (ToolCallBlock("c", "look", ""),))
    result = Message("tool", (TextBlock("t"),), tool_call_id="c")
    messages, _ = wired(call, result)
    assert messages[0]["tool_calls"][0]["function"]["arguments"] == {}
    assert messages[1]["tool_name"] == "look"


@pytest.mark.parametrize(
    ("block", "said"),
    [
        (ImageBlock(url="https://example.com/x.png"), "send a data: URI"),
        (AudioBlock("AAAA", "wav"), "send text"),
        (DocumentBlock(data="AAAA"), "send text"),
    ],
)
def test_what_ollama_does_not_take_is_refused_with_its_path(block: Any, said: str) -> None:
    with pytest.raises(RequestInvalidError, match=said) as caught:
        wired(USER, Message("user", (block,)))
    assert caught.value.param == "messages[1].content"


@pytest.mark.parametrize("arguments", ["[1]", "not json", '"x"', "[" * 100_000])
def test_replayed_arguments_must_be_an_object(arguments: str) -> None:
    with pytest.raises(RequestInvalidError, match="not a JSON object"):
        wired(Message("assistant", (ToolCallBlock("c", "f", arguments),)))


@pytest.mark.parametrize(
    ("message", "dropped"),
    [
        (Message("user", (TextBlock("a", cache="5m"),)), ["cache_control"]),
        (Message("user", (TextBlock("a"),), cache="5m"), ["cache_control"]),
        (Message("user", (ImageBlock(data="AAAA", cache="1h"), TextBlock("a", cache="1h"))), ["cache_control"]),
        (
            Message("tool", (TextBlock("a"),), tool_call_id="c", is_error=True, cache="5m"),
            ["is_error", "cache_control"],
        ),
        (Message("assistant", (ReasoningBlock("", redacted="x"), TextBlock("a"))), ["redacted_thinking"]),
        (Message("user", (TextBlock("a"),), name="Ada"), ["name"]),
    ],
)
def test_marks_without_a_place_are_left_out_and_named(message: Message, dropped: list[str]) -> None:
    wire, names = wired(message)
    assert names == dropped
    assert wire[0]["content"] == "a" or wire[0].get("images")


def test_a_turn_of_encrypted_reasoning_alone_has_no_thinking() -> None:
    redacted = ReasoningBlock("", redacted="x")
    wire, _ = wired(Message("assistant", (redacted, TextBlock("a"))))
    assert wire == [{"role": "assistant", "content": "a"}]
    wire, _ = wired(Message("assistant", (redacted, ReasoningBlock("why"), TextBlock("a"))))
    assert wire[0]["thinking"] == "why"


def test_a_document_of_plain_text_is_text() -> None:
    document = DocumentBlock(text="Whole text.", name="notes.txt", context="From Ada.")
    assert wired(Message("user", (document, TextBlock("Sum it up."))))[0][0]["content"] == (
        "notes.txt\nFrom Ada.\nWhole text.\nSum it up."
    )


def test_citations_are_refused_or_dropped() -> None:
    message = Message("user", (DocumentBlock(text="x", citations=True),))
    with pytest.raises(RequestInvalidError) as caught:
        wired(message)
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", "citations")
    assert wired(message, drop=True)[1] == ["citations"]
