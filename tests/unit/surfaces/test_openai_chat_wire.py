"""The wire types bound what a body may hold."""

from typing import Any

import msgspec
import pytest

from kaigate.surfaces.openai_chat_wire import ChatBody, ToolCall, WireMessage

USER = {"role": "user", "content": "x"}


@pytest.mark.parametrize(
    ("field", "most", "more"),
    [
        ("messages", [USER] * 4096, [USER] * 4097),
        ("stop", ["x"] * 16, ["x"] * 17),
        ("model", "m" * 256, "m" * 257),
        ("user", "u" * 512, "u" * 513),
        ("metadata", {str(i): "v" for i in range(16)}, {str(i): "v" for i in range(17)}),
        ("logit_bias", {str(i): 1 for i in range(1024)}, {str(i): 1 for i in range(1025)}),
        ("top_logprobs", 20, 21),
        ("n", 128, 129),
    ],
)
def test_sizes_are_bounded(field: str, most: Any, more: Any) -> None:
    body = {"model": "m", "messages": [USER]}
    assert field in msgspec.convert({**body, field: most}, ChatBody)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**body, field: more}, ChatBody)


@pytest.mark.parametrize("role", ["system", "developer", "user", "assistant", "tool", "function"])
def test_unknown_fields_of_a_message_are_refused(role: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field `weird`"):
        msgspec.convert({"role": role, "weird": 1}, WireMessage)


def test_what_stream_accumulators_leave_in_a_tool_call_is_tolerated() -> None:
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}
    assert msgspec.convert(call, ToolCall).id == "c"
