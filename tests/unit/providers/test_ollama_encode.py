"""Requests for Ollama's native API; the official client judges their shape in `tests/contract`."""

from typing import Any

import msgspec
import pytest

from kaigate.chat.content import Message, TextBlock
from kaigate.chat.request import ChatRequest, HostedTool, ResponseFormat, Sampling, Thinking, Tool, ToolChoice
from kaigate.errors import RequestInvalidError
from kaigate.providers.ollama_encode import encode_request

USER = Message("user", (TextBlock("Hi"),))


def sent(
    request: ChatRequest,
    *,
    model: str = "up",
    ceiling: int | None = None,
    num_ctx: int | None = None,
    drop: bool = False,
) -> Any:
    body, dropped = encode_request(request, model=model, max_output_tokens=ceiling, num_ctx=num_ctx, drop_params=drop)
    return msgspec.json.decode(body), dropped


def test_the_least_request_never_lets_the_server_cut_the_prompt() -> None:
    assert sent(ChatRequest("m", (USER,))) == (
        {
            "model": "up",
            "messages": [{"role": "user", "content": "Hi"}],
            "stream": False,
            "truncate": False,
            "shift": False,
        },
        (),
    )


def test_sampling_and_ceilings_are_options() -> None:
    sampling = Sampling(
        temperature=0.0,
        top_p=0.5,
        top_k=3,
        min_p=0.1,
        seed=7,
        stop=("a",),
        presence_penalty=1,
        frequency_penalty=1,
        n=1,
    )
    request = ChatRequest("m", (USER,), sampling=sampling, extra={"repeat_penalty": 1.1, "mirostat": 2})
    body, _ = sent(request, ceiling=64, num_ctx=8192)
    assert body["options"] == {
        "temperature": 0.0,
        "top_p": 0.5,
        "top_k": 3,
        "min_p": 0.1,
        "seed": 7,
        "stop": ["a"],
        "presence_penalty": 1.0,
        "frequency_penalty": 1.0,
        "repeat_penalty": 1.1,
        "mirostat": 2,
        "num_predict": 64,
        "num_ctx": 8192,
    }


@pytest.mark.parametrize(
    ("effort", "level"),
    [
        ("minimal", "low"),
        ("low", "low"),
        ("medium", "medium"),
        ("high", "high"),
        ("xhigh", "high"),
        ("max", "high"),
        ("none", False),
    ],
)
def test_effort_is_thinking_with_a_level_where_the_model_has_levels(effort: str, level: Any) -> None:
    request = ChatRequest("m", (USER,), reasoning_effort=effort)
    assert sent(request)[0]["think"] is (level is not False)
    assert sent(request, model="gpt-oss:20b")[0]["think"] == level


@pytest.mark.parametrize(
    ("thinking", "think", "dropped"),
    [
        (Thinking("disabled"), False, ()),
        (Thinking("adaptive"), True, ()),
        (Thinking("enabled", 2048, "omitted"), True, ("thinking.budget_tokens", "thinking.display")),
    ],
)
def test_thinking_in_the_words_of_another_format(thinking: Thinking, think: bool, dropped: tuple[str, ...]) -> None:
    body, left_out = sent(ChatRequest("m", (USER,), thinking=thinking))
    assert (body["think"], left_out) == (think, dropped)


@pytest.mark.parametrize(
    ("thinking", "effort", "think", "dropped"),
    [
        (Thinking("disabled"), "high", False, ("reasoning_effort",)),
        (Thinking("disabled"), "none", False, ()),
        (Thinking("adaptive"), "low", "low", ()),
        (Thinking("enabled", 2048), "medium", "medium", ("thinking.budget_tokens",)),
    ],
)
def test_an_effort_beside_thinking(thinking: Thinking, effort: str, think: Any, dropped: tuple[str, ...]) -> None:
    request = ChatRequest("m", (USER,), thinking=thinking, reasoning_effort=effort)
    body, left_out = sent(request, model="gpt-oss:20b")
    assert (body["think"], left_out) == (think, dropped)


@pytest.mark.parametrize("drop", [True, False])
def test_a_tool_of_the_provider_s_own_is_refused_always(drop: bool) -> None:
    request = ChatRequest("m", (USER,), hosted_tools=(HostedTool("web_search", "openai_responses", {}),))
    with pytest.raises(RequestInvalidError, match="no web_search tool") as caught:
        sent(request, drop=drop)
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", "tools")


def test_thinking_can_be_switched() -> None:
    assert sent(ChatRequest("m", (USER,), extra={"enable_thinking": False}))[0]["think"] is False


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (ResponseFormat("json_object"), "json"),
        (ResponseFormat("json_schema", "x", {"type": "array"}), {"type": "array"}),
        (ResponseFormat("json_schema", "x"), {"type": "object"}),
        (ResponseFormat("text"), None),
    ],
)
def test_response_format(wanted: ResponseFormat, expected: Any) -> None:
    assert sent(ChatRequest("m", (USER,), response_format=wanted))[0].get("format") == expected


@pytest.mark.parametrize(("choice", "offered"), [(None, True), (ToolChoice("auto"), True), (ToolChoice("none"), False)])
def test_tools_are_offered_unless_none_may_be_called(choice: ToolChoice | None, offered: bool) -> None:
    body, dropped = sent(ChatRequest("m", (USER,), tools=(Tool("f"),), tool_choice=choice))
    assert ("tools" in body) is offered
    assert dropped == ()


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": (Tool("f"),), "tool_choice": ToolChoice("required")}, "tool_choice"),
        ({"tools": (Tool("f"),), "tool_choice": ToolChoice("named", "f")}, "tool_choice"),
        ({"tools": (Tool("f"),), "parallel_tool_calls": False}, "parallel_tool_calls"),
        ({"sampling": Sampling(n=2)}, "n"),
        ({"sampling": Sampling(logit_bias={"1": 1})}, "logit_bias"),
        ({"extra": {"min_tokens": 5}}, "min_tokens"),
        ({"reasoning_effort": "utmost"}, "reasoning_effort"),
    ],
)
def test_what_ollama_can_not_honour_is_refused_or_dropped_by_name(fields: dict[str, Any], param: str) -> None:
    request = ChatRequest("m", (USER,), **fields)
    with pytest.raises(RequestInvalidError) as caught:
        sent(request)
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", param)
    assert sent(request, drop=True)[1] == (param,)


def test_legacy_callers_are_served_although_calls_may_come_in_parallel() -> None:
    request = ChatRequest("m", (USER,), tools=(Tool("f"),), parallel_tool_calls=False, legacy_functions=True)
    assert sent(request)[1] == ()


def test_hints_are_dropped_and_named() -> None:
    assert sent(ChatRequest("m", (USER,), user="u", extra={"metadata": {}}))[1] == ("metadata", "user")


def test_log_probabilities_are_asked_for() -> None:
    body, _ = sent(ChatRequest("m", (USER,), sampling=Sampling(logprobs=True, top_logprobs=2)))
    assert (body["logprobs"], body["top_logprobs"]) == (True, 2)
