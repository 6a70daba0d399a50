"""What a request needs is read from its content."""

import pytest

from kaigate.chat.content import AudioBlock, DocumentBlock, ImageBlock, Message, TextBlock
from kaigate.chat.request import ChatRequest, ResponseFormat, Thinking, Tool
from kaigate.routing.needs import NOTHING, needs_of

TEXT = Message("user", (TextBlock("hello"),))


def asking(*blocks, **fields):
    return ChatRequest(model="m", messages=(TEXT, Message("user", (TextBlock("see"), *blocks))), **fields)


@pytest.mark.parametrize(
    ("request_", "needs"),
    [
        (asking(), set()),
        (asking(ImageBlock(url="https://x/y.png")), {"vision", "image"}),
        (asking(AudioBlock("AA==", "wav")), {"audio"}),
        (asking(DocumentBlock(text="x")), {"documents", "document"}),
        (asking(tools=(Tool("f"),)), {"tools"}),
        (asking(response_format=ResponseFormat("json_schema", "s", {})), {"json_schema"}),
        (asking(response_format=ResponseFormat("json_object")), set()),
        (asking(reasoning_effort="low"), {"reasoning"}),
        (asking(reasoning_effort="none"), set()),
        (asking(thinking=Thinking("enabled", 1024)), {"reasoning"}),
        (asking(thinking=Thinking("disabled")), set()),
        (asking(ImageBlock(data="AA==", media_type="image/png"), tools=(Tool("f"),)), {"vision", "image", "tools"}),
    ],
)
def test_each_part_and_parameter_has_its_need(request_, needs):
    assert needs_of(request_) == needs


def test_plain_text_needs_nothing_and_costs_no_set():
    assert needs_of(asking()) is NOTHING
