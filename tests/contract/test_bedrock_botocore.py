"""botocore's own model of Bedrock judges our requests, and its parsers our reading of answers."""

from typing import Any

import botocore.session
import msgspec
import pytest
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from kaigate.chat.content import (
    DocumentBlock,
    ImageBlock,
    Message,
    ReasoningBlock,
    TextBlock,
    ToolCallBlock,
)
from kaigate.chat.request import ChatRequest, ResponseFormat, Sampling, Thinking, Tool, ToolChoice
from kaigate.providers.bedrock import Bedrock
from tests.support.aws_event_stream import event, exception, message

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "us.amazon.nova-lite-v1:0"
USER = Message("user", (TextBlock("x", cache="5m"),))
PNG = ImageBlock(data="eA==", media_type="image/jpg")
PDF = DocumentBlock(data="eA==", media_type="application/pdf", name="a.b.pdf", context="c")
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
TOOLS = (Tool("get it", "", SCHEMA, cache="1h"), Tool("x" * 80, "d", None, strict=True))
HISTORY = (
    Message("system", (TextBlock("s", cache="1h"), TextBlock(" "))),
    Message("user", (TextBlock("read"), PDF, PDF, PNG)),
    Message(
        "assistant",
        (
            TextBlock("t"),
            ReasoningBlock("r", signature="s"),
            ReasoningBlock("", redacted="eA=="),
            ToolCallBlock("c|1", "get it", '{"a":1}'),
            ToolCallBlock("c|2", "gone", ""),
        ),
    ),
    Message("tool", (TextBlock("r"), PNG), tool_call_id="c|1"),
    Message("tool", (), tool_call_id="c|2", is_error=True, cache="5m"),
    Message("user", (TextBlock("go on"),)),
)
SAMPLING = Sampling(temperature=0.0, top_p=1.0, top_k=5, stop=("z",))
REQUESTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "history": {"messages": HISTORY},
    "sampling": {"sampling": SAMPLING, "extra": {"service_tier": "flex"}},
    "tools": {"messages": HISTORY, "tools": TOOLS, "tool_choice": ToolChoice("named", "get it")},
    "required": {"tools": TOOLS, "tool_choice": ToolChoice("required")},
    "auto": {"tools": TOOLS, "tool_choice": ToolChoice("auto")},
    "none": {"messages": HISTORY, "tools": TOOLS, "tool_choice": ToolChoice("none")},
    "prefill": {"messages": (Message("assistant", (TextBlock("a"),)), USER, Message("assistant", (TextBlock("b "),)))},
}
CLAUDE_S: dict[str, dict[str, Any]] = {
    "json": {"response_format": ResponseFormat("json_schema", "a", SCHEMA, description="d")},
    "thinking": {"thinking": Thinking("enabled", 1024)},
    "effort": {"reasoning_effort": "high"},
    "one call": {"tools": TOOLS, "parallel_tool_calls": False},
}
CASES = [(model, name, fields) for model in (CLAUDE, NOVA) for name, fields in REQUESTS.items()]
CASES += [(CLAUDE, name, fields) for name, fields in CLAUDE_S.items()]


@pytest.fixture(scope="module")
def service() -> ServiceModel:
    return botocore.session.Session().get_service_model("bedrock-runtime")


@pytest.mark.parametrize(("model", "name", "fields"), CASES, ids=[f"{model}-{name}" for model, name, _ in CASES])
@pytest.mark.parametrize("operation", ["Converse", "ConverseStream"])
def test_a_request_is_one_of_the_model_s(
    service: ServiceModel, model: str, name: str, fields: dict[str, Any], operation: str
) -> None:
    request = ChatRequest("m", **{"messages": (USER,), **fields}, stream=operation == "ConverseStream")
    call = Bedrock("b").encode(request, model=model, max_output_tokens=2048)
    shape = service.operation_model(operation).input_shape
    assert call.path.endswith(service.operation_model(operation).http["requestUri"].rpartition("/")[2])
    parameters = {"modelId": model, **msgspec.json.decode(call.body)}
    assert ParamValidator().validate(parameters, shape).generate_report() == ""


FRAMES = [
    event("messageStart", {"role": "assistant"}),
    event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "ü"}}),
    exception("throttlingException", "slow down"),
    message({"flag": True, "off": False, "n": -3, "raw": b"\x00\x01", "text": "t"}, b""),
]


def test_our_test_frames_are_those_of_botocore() -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(b"".join(FRAMES))
    found = [(dict(one.headers), one.payload) for one in buffer]
    assert [headers.get(":event-type") or headers.get(":exception-type") for headers, _ in found] == [
        "messageStart",
        "contentBlockDelta",
        "throttlingException",
        None,
    ]
    assert found[3][0] == {"flag": True, "off": False, "n": -3, "raw": b"\x00\x01", "text": "t"}


def test_botocore_finds_the_same_damage() -> None:
    damaged = bytearray(FRAMES[0])
    damaged[-1] ^= 1
    buffer = EventStreamBuffer()
    buffer.add_data(bytes(damaged))
    with pytest.raises(ChecksumMismatch):
        next(buffer)
