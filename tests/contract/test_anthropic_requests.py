"""What the Anthropic adapter sends, judged by the official `anthropic` SDK's own parameter types."""

from typing import Any

import msgspec
import pydantic
import pytest
from anthropic.types import MessageCreateParams
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.answers import TEXT
from kaigate.chat.content import (
    Block,
    DocumentBlock,
    ImageBlock,
    Message,
    ReasoningBlock,
    RefusalBlock,
    TextBlock,
    ToolCallBlock,
)
from kaigate.chat.request import ChatRequest, HostedTool, ResponseFormat, Sampling, Thinking, Tool, ToolChoice
from kaigate.errors import RequestInvalidError
from kaigate.providers.registry import build

PARAMS: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(
    MessageCreateParams, config=pydantic.ConfigDict(extra="forbid", arbitrary_types_allowed=True)
)
MARKS = st.sampled_from([None, None, None, "5m", "1h"])
IDS = st.sampled_from(["call_1", "toolu_2", "functions.f:0"])
NAMES = st.sampled_from(["get_weather", "f-2"])
SCHEMA = {"type": "object", "properties": {"a": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"type": "integer"}}}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}

texts = st.builds(TextBlock, TEXT, MARKS)
images = st.sampled_from(
    [ImageBlock(url="https://a.example/b"), ImageBlock(data="AAAA", media_type="image/jpg", cache="5m")]
)
documents = st.sampled_from(
    [
        DocumentBlock(data="JVBERi0x", name="a.pdf", citations=True),
        DocumentBlock(text="note", context="c", cache="5m"),
        DocumentBlock(data="SGk=", media_type="text/plain"),
        DocumentBlock(url="https://a.example/b.pdf"),
    ]
)
reasoning = st.builds(ReasoningBlock, TEXT, st.none() | st.just("c2ln")) | st.just(ReasoningBlock("", redacted="b3Bh"))
calls = st.builds(ToolCallBlock, IDS, NAMES, st.sampled_from(["", "{}", '{ "a": 1 }']), MARKS)


def messages_of(role: Any, blocks: st.SearchStrategy[Block], **fields: Any) -> st.SearchStrategy[Message]:
    content = st.lists(blocks, max_size=3).map(tuple)
    return st.builds(Message, st.just(role), content, **fields)


MESSAGES = st.one_of(
    messages_of("system", texts, developer=st.booleans()),
    messages_of("user", texts | images | documents, name=st.none() | st.just("ann")),
    messages_of("assistant", texts | reasoning | calls | st.builds(RefusalBlock, TEXT)),
    messages_of("tool", texts | images, tool_call_id=IDS, is_error=st.booleans(), cache=MARKS),
)
REQUESTS = st.builds(
    ChatRequest,
    st.just("m"),
    st.lists(MESSAGES, max_size=6).map(lambda some: (Message("user", (TextBlock("Hi"),)), *some)),
    stream=st.booleans(),
    sampling=st.builds(
        Sampling,
        temperature=st.none() | st.floats(0, 2),
        top_k=st.none() | st.integers(1, 9),
        stop=st.none() | st.just(("a", " ")),
        seed=st.none() | st.just(1),
    ),
    tools=st.lists(
        st.builds(Tool, NAMES, st.none() | TEXT, st.none() | st.just(SCHEMA), st.none() | st.booleans(), MARKS),
        max_size=2,
    ).map(tuple),
    tool_choice=st.none() | st.sampled_from([ToolChoice("auto"), ToolChoice("none"), ToolChoice("required")]),
    parallel_tool_calls=st.none() | st.booleans(),
    response_format=st.none()
    | st.sampled_from([ResponseFormat("json_object"), ResponseFormat("json_schema", "n", SCHEMA)]),
    reasoning_effort=st.none() | st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh", "max"]),
    user=st.none() | TEXT,
    extra=st.sampled_from([{}, {"service_tier": "default"}]),
    thinking=st.none() | st.sampled_from([Thinking("adaptive", display="omitted"), Thinking("enabled", 2048)]),
    hosted_tools=st.sampled_from([(), (HostedTool("web_search", "anthropic_messages", SEARCH),)]),
)
SAMPLING = {"temperature", "top_p", "top_k"}
PROVIDER = build("up", "anthropic", drop_params=True)
MODELS = st.sampled_from(["claude-3-5-haiku-latest", "claude-3-7-sonnet-latest", "claude-sonnet-4-5", "claude-opus-5"])


@settings(max_examples=100)
@given(request=REQUESTS, model=MODELS)
def test_every_request_has_the_types_and_the_order_of_the_api(request: ChatRequest, model: str) -> None:
    try:
        call = PROVIDER.encode(request, model=model, max_output_tokens=8192)
    except RequestInvalidError as error:
        assert "At most 4" in error.message  # noqa: PT017 -- nothing else of these may be refused
        return
    body = msgspec.json.decode(call.body)
    # The SDK knows the newest version of the API only, which has no sampling; the pinned one has these three.
    PARAMS.validate_python({name: value for name, value in body.items() if name not in SAMPLING})
    turns = body["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant"] * (len(turns) // 2) + ["user"] * (len(turns) % 2)
    assert all(turn["content"] for turn in turns)
    for turn in turns:
        blocks = turn["content"] if isinstance(turn["content"], list) else [{"type": "text", "text": turn["content"]}]
        assert all(block["text"].strip() for block in blocks if block["type"] == "text")
        assert len({block["type"] for block in blocks} & {"tool_result", "tool_use"}) < 2
    called = any(
        block["type"] == "tool_use" for turn in turns if isinstance(turn["content"], list) for block in turn["content"]
    )
    assert not called or body["tools"]
    assert "tool_choice" not in body or body["tools"]
    if body.get("thinking", {}).get("type") == "enabled":
        assert body["thinking"]["budget_tokens"] < body["max_tokens"]
        assert body.get("tool_choice", {"type": "auto"})["type"] in ("auto", "none")
        assert turns[-1]["role"] == "user"
        assert body.get("temperature", 1) == 1
    assert call.body.count(b'"cache_control":') <= 4


def test_the_types_refuse_what_they_do_not_know() -> None:
    least = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "Hi"}]}
    PARAMS.validate_python(least)
    for changes in ({"seed": 1}, {"max_tokens": None}, {"tool_choice": {"type": "required"}}):
        with pytest.raises(pydantic.ValidationError):
            PARAMS.validate_python({**least, **changes})
