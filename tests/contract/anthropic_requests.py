"""Requests as a client of Anthropic's Messages API can express them, and their wire form."""

from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from kaigate.chat.content import (
    Block,
    CacheMark,
    DocumentBlock,
    ImageBlock,
    Message,
    ReasoningBlock,
    TextBlock,
    ToolCallBlock,
)
from kaigate.chat.request import ChatRequest, HostedTool, ResponseFormat, Sampling, Thinking, Tool, ToolChoice

TEXT = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=12)
SOME_TEXT = st.text(alphabet=st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)
NAME = st.text(alphabet="abc_-9", min_size=1, max_size=8)
DATA = st.sampled_from(["AAAA", "iVBORw0KGgo=", "SGVsbG8+"])
URL = st.sampled_from(["https://e.org/a.png", "https://e.org/b?c=d&e=%20"])
CACHE = st.sampled_from([None, None, "5m", "1h"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=4,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=3)

TEXTS = st.builds(TextBlock, TEXT, CACHE)
IMAGES = st.builds(ImageBlock, url=URL, cache=CACHE) | st.builds(
    ImageBlock,
    data=DATA,
    media_type=st.sampled_from(["image/png", "image/jpeg", "image/gif", "image/webp"]),
    cache=CACHE,
)
ABOUT = {"name": st.none() | TEXT, "context": st.none() | TEXT, "citations": st.booleans(), "cache": CACHE}
DOCUMENTS = st.one_of(
    st.builds(DocumentBlock, data=DATA, media_type=st.just("application/pdf"), **ABOUT),
    st.builds(DocumentBlock, text=TEXT, media_type=st.just("text/plain"), **ABOUT),
    st.builds(DocumentBlock, url=URL, **ABOUT),
)
REASONING = st.builds(ReasoningBlock, TEXT, st.none() | st.just("c2ln")) | st.builds(
    ReasoningBlock, st.just(""), redacted=st.just("ZW5j")
)
CALLS = st.builds(ToolCallBlock, NAME, NAME, OBJECT.map(lambda value: msgspec.json.encode(value).decode()), cache=CACHE)
INPUT = TEXTS | IMAGES | DOCUMENTS
MESSAGES = st.one_of(
    st.builds(Message, st.just("user"), st.lists(INPUT, min_size=1, max_size=3).map(tuple)),
    st.builds(Message, st.just("assistant"), st.lists(TEXTS | REASONING | CALLS, max_size=4).map(tuple)),
    st.builds(Message, st.just("system"), st.lists(TEXTS, min_size=1, max_size=2).map(tuple)),
    st.builds(
        Message,
        st.just("tool"),
        st.lists(INPUT, min_size=1, max_size=2).map(tuple),
        tool_call_id=NAME,
        is_error=st.booleans(),
        cache=CACHE,
    ),
)
TOOL = st.builds(Tool, NAME, st.none() | TEXT, OBJECT, st.none() | st.booleans(), CACHE)
SEARCH = HostedTool("web_search", "anthropic_messages", {"type": "web_search_20250305", "name": "web_search"})
SERVER = {"type": "url", "url": "https://e.org/mcp", "name": "s"}
THINKING = st.one_of(
    st.none(),
    st.builds(Thinking, st.just("enabled"), st.integers(1024, 9999), st.sampled_from([None, "omitted"])),
    st.builds(Thinking, st.just("adaptive"), st.none(), st.sampled_from([None, "summarized"])),
    st.just(Thinking("disabled")),
)


@st.composite
def requests(draw: st.DrawFn) -> ChatRequest:
    """Any request that a client can express; what its format has two spellings for is as the surface decodes it."""
    tools = tuple(draw(st.lists(TOOL, max_size=3, unique_by=lambda tool: tool.name)))
    hosted = (SEARCH,) if draw(st.booleans()) else ()
    choice, parallel = None, None
    if tools or hosted:
        choice = draw(st.none() | st.sampled_from([ToolChoice("auto"), ToolChoice("none"), ToolChoice("required")]))
        if tools and draw(st.booleans()):
            choice = ToolChoice("named", tools[0].name)
        if choice is not None and choice.mode != "none":
            parallel = draw(st.none() | st.booleans())
    hosted += (HostedTool("mcp", "anthropic_messages", {"mcp_servers": [SERVER]}),) if draw(st.booleans()) else ()
    hosted += (HostedTool("code_interpreter", "anthropic_messages", {"container": "c"}),) if draw(st.booleans()) else ()
    unit = st.none() | st.floats(0, 1)
    return ChatRequest(
        model=draw(SOME_TEXT),
        messages=tuple(draw(st.lists(MESSAGES, min_size=1, max_size=5))),
        stream=draw(st.booleans()),
        max_output_tokens=draw(st.integers(1, 2**31 - 1)),
        sampling=Sampling(
            draw(unit),
            draw(unit),
            draw(st.none() | st.integers(0, 99)),
            stop=draw(st.none() | st.lists(SOME_TEXT, min_size=1, max_size=3).map(tuple)),
        ),
        tools=tools,
        tool_choice=choice,
        parallel_tool_calls=parallel,
        response_format=draw(
            st.none() | st.builds(ResponseFormat, st.just("json_schema"), st.just("output"), OBJECT, st.just(True))
        ),
        reasoning_effort=draw(st.sampled_from([None, "low", "max"])),
        user=draw(st.none() | TEXT),
        extra=draw(st.sampled_from([{}, {"service_tier": "auto"}, {"service_tier": "default"}])),
        thinking=draw(THINKING),
        hosted_tools=hosted,
        hints=draw(st.sampled_from([{}, {"anthropic-version": "2023-06-01", "anthropic-beta": "a-1,b-2"}])),
    )


def wire_body(request: ChatRequest) -> dict[str, Any]:
    """The request as a client would send it."""
    body: dict[str, Any] = {"model": request.model, "messages": _turns(request.messages)}
    if request.messages[0].role == "system":
        body["system"] = [wire_block(block) for block in request.messages[0].blocks]
        body["messages"] = _turns(request.messages[1:]) or (body.pop("system") and _turns(request.messages))
    body["max_tokens"] = request.max_output_tokens
    body["stream"] = request.stream
    sampling = request.sampling
    body |= {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": sampling.top_k}
    body["stop_sequences"] = sampling.stop
    tools = [_tool(tool) for tool in request.tools]
    for hosted in request.hosted_tools:
        if "type" in hosted.wire:
            tools.append(hosted.wire)
        else:
            body |= hosted.wire
    body["tools"] = tools
    if request.tool_choice is not None:
        body["tool_choice"] = _choice(request.tool_choice, request.parallel_tool_calls)
    if request.thinking is not None:
        thinking = request.thinking
        body["thinking"] = {"type": thinking.mode, "budget_tokens": thinking.budget_tokens, "display": thinking.display}
    wanted = request.response_format
    shape = {"type": "json_schema", "schema": wanted.schema} if wanted is not None else None
    body["output_config"] = {"effort": request.reasoning_effort, "format": shape}
    body["metadata"] = {"user_id": request.user}
    tier = request.extra.get("service_tier")
    body["service_tier"] = "standard_only" if tier == "default" else tier
    return _without_nulls(body)


def wire_block(block: Block) -> dict[str, Any]:
    """A content block."""
    match block:
        case TextBlock():
            wire: dict[str, Any] = {"type": "text", "text": block.text}
        case ReasoningBlock(redacted=str()):
            return {"type": "redacted_thinking", "data": block.redacted}
        case ReasoningBlock():
            return {"type": "thinking", "thinking": block.text, "signature": block.signature or ""}
        case ToolCallBlock():
            wire = {
                "type": "tool_use",
                "id": block.id,
                "name": block.name,
                "input": msgspec.Raw(block.arguments.encode()),
            }
        case ImageBlock() | DocumentBlock():
            wire = {"type": "image" if isinstance(block, ImageBlock) else "document", "source": _source(block)}
            if isinstance(block, DocumentBlock):
                wire |= {"title": block.name, "context": block.context, "citations": {"enabled": block.citations}}
        case _:
            raise AssertionError(block)
    return _without_nulls({**wire, "cache_control": _cache(block.cache)})


def _source(block: ImageBlock | DocumentBlock) -> dict[str, Any]:
    if block.url is not None:
        return {"type": "url", "url": block.url}
    if isinstance(block, DocumentBlock) and block.text is not None:
        return {"type": "text", "media_type": block.media_type, "data": block.text}
    return {"type": "base64", "media_type": block.media_type, "data": block.data}


def _turns(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Results of tools join the user's turn that follows them, as the API wants it."""
    turns: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for message in messages:
        content = [wire_block(block) for block in message.blocks]
        if message.role == "tool":
            result = {"type": "tool_result", "tool_use_id": message.tool_call_id, "content": content}
            results.append(
                _without_nulls({**result, "is_error": message.is_error, "cache_control": _cache(message.cache)})
            )
            continue
        if results:
            if message.role == "user":
                content = results + content
            else:
                turns.append({"role": "user", "content": results})
            results = []
        turns.append({"role": message.role, "content": content})
    return [*turns, {"role": "user", "content": results}] if results else turns


def _tool(tool: Tool) -> dict[str, Any]:
    wire = {"name": tool.name, "description": tool.description, "input_schema": tool.parameters, "strict": tool.strict}
    return _without_nulls({**wire, "cache_control": _cache(tool.cache)})


def _choice(choice: ToolChoice, parallel: bool | None) -> dict[str, Any]:
    kind = {"auto": "auto", "none": "none", "required": "any", "named": "tool"}[choice.mode]
    disable = None if parallel is None else not parallel
    return _without_nulls({"type": kind, "name": choice.name, "disable_parallel_tool_use": disable})


def _cache(mark: CacheMark | None) -> dict[str, Any] | None:
    if mark is None:
        return None
    return {"type": "ephemeral"} if mark == "5m" else {"type": "ephemeral", "ttl": mark}


def _without_nulls(value: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_nulls(item) if isinstance(item, dict) and name in ("thinking", "output_config") else item
        for name, item in value.items()
        if item is not None
    }
