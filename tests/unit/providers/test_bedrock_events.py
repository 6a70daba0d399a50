"""Blocks of Bedrock become events of ours."""

import pytest

from kaigate.chat.content import Message, TextBlock
from kaigate.chat.events import End, Finish, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStart, UsageReport
from kaigate.chat.request import ChatRequest, ResponseFormat, Tool
from kaigate.chat.usage import Usage
from kaigate.errors import UpstreamFailedError
from kaigate.providers.bedrock_events import MAX_TOOL_CALLS, AnswerEvents, canonical_usage, reasoning
from kaigate.providers.bedrock_names import ToolNames
from kaigate.providers.bedrock_wire import WireReasoning, WireReasoningText, WireToolUse, WireUsage

USER = (Message("user", (TextBlock("x"),)),)
OFFERED = ChatRequest("m", USER, tools=(Tool("get it"),))
JSON = ChatRequest("m", USER, tools=(Tool("get it"),), response_format=ResponseFormat("json_object"))


def use(name: str = "get_it", identity: str = "t1") -> WireToolUse:
    return WireToolUse(identity, name)


def test_tools_are_counted_alone_and_have_the_client_s_names() -> None:
    events = AnswerEvents(ToolNames(OFFERED))
    assert events.open_call(1, use()) == [ToolCallStart(0, "t1", "get it")]
    assert events.open_call(4, use("other", "t2")) == [ToolCallStart(1, "t2", "other")]
    assert events.arguments(4, '{"a"') == [ToolCallDelta(1, '{"a"')]
    assert events.arguments(1, "{}") == [ToolCallDelta(0, "{}")]
    assert events.close(4) == events.close(1) == events.close(0) == []


def test_a_call_without_arguments_is_an_empty_object() -> None:
    events = AnswerEvents(ToolNames(OFFERED))
    events.open_call(0, use())
    assert events.arguments(0, "") == []
    assert events.close(0) == [ToolCallDelta(0, "{}")]


def test_the_answer_s_tool_is_the_answer() -> None:
    events = AnswerEvents(ToolNames(JSON))
    assert events.text("\n") == [TextDelta("\n")]
    assert events.open_call(1, use("structured_answer")) == []
    assert events.arguments(1, '{"a":1}') == [TextDelta('{"a":1}')]
    assert events.close(1) == []
    assert events.terminal("tool_use", None, None) == [Finish("stop"), End()]


def test_an_empty_answer_is_an_empty_object() -> None:
    events = AnswerEvents(ToolNames(JSON))
    events.open_call(0, use("structured_answer"))
    assert events.close(0) == [TextDelta("{}")]


def test_text_beside_json_is_a_broken_answer() -> None:
    events = AnswerEvents(ToolNames(JSON))
    events.text("Here you are:")
    with pytest.raises(UpstreamFailedError):
        events.open_call(1, use("structured_answer"))


def test_a_client_s_tool_may_be_called_instead() -> None:
    events = AnswerEvents(ToolNames(JSON))
    events.open_call(0, use())
    events.close(0)
    assert events.terminal("tool_use", None, None)[0] == Finish("tool_calls")


def test_calls_that_nobody_offered_are_refused() -> None:
    with pytest.raises(UpstreamFailedError):
        AnswerEvents(ToolNames(ChatRequest("m", USER))).open_call(0, use("no_tool"))
    with pytest.raises(UpstreamFailedError):
        AnswerEvents(ToolNames(OFFERED)).open_call(0, WireToolUse("t", "nova_code_interpreter", type="server_tool_use"))


def test_calls_out_of_order_are_refused() -> None:
    events = AnswerEvents(ToolNames(OFFERED))
    with pytest.raises(UpstreamFailedError):
        events.arguments(0, "{}")
    events.open_call(0, use())
    with pytest.raises(UpstreamFailedError):
        events.open_call(0, use())
    with pytest.raises(UpstreamFailedError):
        events.terminal("tool_use", None, None)


def test_calls_are_bounded() -> None:
    events = AnswerEvents(ToolNames(OFFERED))
    for index in range(MAX_TOOL_CALLS):
        events.open_call(index, use())
        events.close(index)
    with pytest.raises(UpstreamFailedError, match="too many"):
        events.open_call(MAX_TOOL_CALLS, use())


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("content_filtered", "content_filter"),
        ("guardrail_intervened", "content_filter"),
    ],
)
def test_reasons_to_stop(reason: str, expected: str) -> None:
    events = AnswerEvents(ToolNames(OFFERED)).terminal(reason, WireUsage(1, 2), {"stop_sequence": "z"})
    assert events == [Finish(expected, stop_sequence="z"), UsageReport(Usage(1, 2)), End()]  # type: ignore[arg-type]


@pytest.mark.parametrize("reason", ["malformed_tool_use", "malformed_model_output", "new", ""])
def test_other_reasons_are_a_broken_answer(reason: str) -> None:
    with pytest.raises(UpstreamFailedError):
        AnswerEvents(ToolNames(OFFERED)).terminal(reason, None, None)


def test_input_includes_what_was_cached() -> None:
    assert canonical_usage(WireUsage(10, 5, 100, 1000)) == Usage(1110, 5, 100, 1000)
    assert canonical_usage(WireUsage(0, 0)) == Usage(0, 0)
    assert canonical_usage(WireUsage(-1, -1, -1, -1)) == Usage(0, 0)


def test_whole_reasoning() -> None:
    assert reasoning(WireReasoning(WireReasoningText("t", "s"))) == ReasoningDelta("t", signature="s")
    assert reasoning(WireReasoning(redacted_content="eA==")) == ReasoningDelta("", redacted="eA==")
    for odd in (WireReasoning(), WireReasoning(WireReasoningText("t"), "eA==")):
        with pytest.raises(UpstreamFailedError):
            reasoning(odd)
