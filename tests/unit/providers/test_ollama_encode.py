"""Requests for Ollama's native API; the official client judges their shape in `tests/contract`."""

from typing import Any

import msgspec
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
from kaigate.chat.request import ChatRequest, ResponseFormat, Sampling, Tool, ToolChoice
from kaigate.errors import RequestInvalidError
from kaigate.providers.ollama_encode import encode_request

USER = Message("user", (TextBlock("Hi"),))


def sent(request: ChatRequest, *, ceiling: int | None = None, num_ctx: int | None = None, drop: bool = False) -> Any:
    body, dropped = encode_request(request, model="up", max_output_tokens=ceiling, num_ctx=num_ctx, drop_params=drop)
    return msgspec.json.decode(body), dropped


def test_the_least_request_never_lets_the_server_cut_the_prompt() -> None:
    assert sent(ChatRequest("m", (USER,))) == (
        {"model": "up", "messages": [{"role": "user", "content": "Hi"}], "stream": False, "truncate": False},
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
    assert sent(ChatRequest("m", (message,)))[0]["messages"] == [expected]


def test_a_tool_result_names_the_tool_that_was_called() -> None:
    call = Message("assistant", (ToolCallBlock("c", "look", ""),))
    result = Message("tool", (TextBlock("t"),), tool_call_id="c")
    messages = sent(ChatRequest("m", (call, result)))[0]["messages"]
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
        sent(ChatRequest("m", (USER, Message("user", (block,)))))
    assert caught.value.param == "messages[1].content"


@pytest.mark.parametrize("arguments", ["[1]", "not json", '"x"', "[" * 100_000])
def test_replayed_arguments_must_be_an_object(arguments: str) -> None:
    with pytest.raises(RequestInvalidError, match="not a JSON object"):
        sent(ChatRequest("m", (Message("assistant", (ToolCallBlock("c", "f", arguments),)),)))


@pytest.mark.parametrize(
    ("effort", "expected"),
    [
        ("none", False),
        ("minimal", "low"),
        ("low", "low"),
        ("medium", "medium"),
        ("high", "high"),
        ("xhigh", "high"),
        ("max", "high"),
    ],
)
def test_effort_is_thinking(effort: str, expected: Any) -> None:
    assert sent(ChatRequest("m", (USER,), reasoning_effort=effort))[0]["think"] == expected


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
