"""Exact counts come from the tokenizer, and only the rest is estimated."""

import sys

import pytest

from kaigate.chat.content import ImageBlock, Message, ReasoningBlock, TextBlock, ToolCallBlock
from kaigate.chat.request import ChatRequest, ResponseFormat, Tool
from kaigate.tokens.estimate import IMAGE, PER_MESSAGE, PER_REQUEST, PER_TOOL, PER_TOOL_CALL
from kaigate.tokens.exact import ExactCounter


def test_text_is_counted_as_the_tokenizer_does() -> None:
    counter = ExactCounter.load()
    assert counter is not None
    assert counter.count_text("hello world") == 2
    assert counter.count_text("<|endoftext|>") > 1, "a special token in a text is text"


def test_without_the_package_there_is_no_counter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bpe_openai", None)
    assert ExactCounter.load() is None


def test_a_request_is_the_sum_of_its_parts() -> None:
    counter = ExactCounter(lambda text: [0] * len(text))
    message = Message(
        "assistant", (TextBlock("ab"), ReasoningBlock("c"), ToolCallBlock("i", "f", "{}"), ImageBlock(url="u")), "nn"
    )
    expected = PER_REQUEST + PER_MESSAGE + 2 + 1 + PER_TOOL_CALL + 1 + 2 + IMAGE + 2
    assert counter.count(ChatRequest("m", (message,))) == expected
    tool = Tool("f", None, None)
    with_tool = counter.count(ChatRequest("m", (message,), tools=(tool,)))
    assert with_tool > expected + PER_TOOL
    schema = ResponseFormat("json_schema", "x", {"a": 1})
    assert counter.count(ChatRequest("m", (message,), response_format=schema)) == expected + len('{"a":1}')
