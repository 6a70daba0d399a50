"""The complete answer in Ollama's forms. `tests/contract` proves its shape for every sequence of events."""

from typing import Any

import msgspec
import pytest

from kaigate.chat.events import (
    ChatEvent,
    End,
    Finish,
    Frame,
    LogprobsDelta,
    ReasoningDelta,
    RefusalDelta,
    Start,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from kaigate.chat.usage import Usage
from kaigate.errors import UpstreamFailedError
from kaigate.surfaces.ollama_answer import CompleteAnswer
from kaigate.surfaces.ollama_parts import Form

START = Start("ollama-1", "llama3.2", 1702388023)


def answer(*events: ChatEvent, form: Form = "chat") -> Any:
    encoder = CompleteAnswer(form, provider="local")
    assert encoder.feed([START, *events, End()]) == b""
    return msgspec.json.decode(encoder.end())


def test_a_plain_answer() -> None:
    events = (TextDelta("Par"), TextDelta("is"), Finish("stop"), UsageReport(Usage(3, 2)))
    rest = {
        "model": "llama3.2",
        "created_at": "2023-12-12T13:33:43Z",
        "provider": "local",
        "done": True,
        "done_reason": "stop",
        "prompt_eval_count": 3,
        "eval_count": 2,
    }
    assert answer(*events) == {**rest, "message": {"role": "assistant", "content": "Paris"}}
    assert answer(*events, form="generate") == {**rest, "response": "Paris"}


def test_everything_a_message_can_hold() -> None:
    body = answer(
        ReasoningDelta("think"),
        ReasoningDelta("", signature="s"),
        TextDelta("a"),
        RefusalDelta("no"),
        LogprobsDelta([{"token": "a"}]),
        ToolCallStart(0, "c1", "look"),
        ToolCallDelta(0, '{"a"'),
        ToolCallDelta(0, ":1}"),
        Finish("tool_calls"),
    )
    assert body["message"] == {
        "role": "assistant",
        "content": "ano",
        "thinking": "think",
        "tool_calls": [{"id": "c1", "function": {"index": 0, "name": "look", "arguments": {"a": 1}}}],
    }
    assert body["logprobs"] == [{"token": "a"}]
    assert body["done_reason"] == "stop"
    assert "prompt_eval_count" not in body


def test_an_exact_body_goes_out_as_it_came_with_the_provider() -> None:
    encoder = CompleteAnswer("chat", provider='a "b"')
    raw = b'{ "model":"x", "total_duration" : 1 }'
    assert encoder.relay(Frame([START, End()], raw, exact=True)) == b""
    assert encoder.end() == b'{"provider":"a \\"b\\"", "model":"x", "total_duration" : 1 }'


def test_a_call_that_can_not_be_written_fails_the_answer() -> None:
    encoder = CompleteAnswer("chat", provider="p")
    encoder.feed([START, ToolCallStart(0, "c", "f"), ToolCallDelta(0, "{"), Finish("tool_calls"), End()])
    with pytest.raises(UpstreamFailedError):
        encoder.end()


def test_a_second_choice_fails_the_answer() -> None:
    with pytest.raises(UpstreamFailedError):
        answer(TextDelta("x"), TextDelta("y", 1))


def test_a_failure_replaces_the_body() -> None:
    encoder = CompleteAnswer("chat", provider="p")
    encoder.feed([START, TextDelta("half")])
    assert encoder.fail(UpstreamFailedError("upstream_error", "It broke.")) == b'{"error":"It broke."}'
