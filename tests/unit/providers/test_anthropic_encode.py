"""Requests for Anthropic's Messages API; the official SDK's types judge them in `tests/contract`."""

from typing import Any

import msgspec
import pytest

from kaigate.chat.content import Message, TextBlock, ToolCallBlock
from kaigate.chat.request import ChatRequest, HostedTool, ResponseFormat, Sampling, Thinking, Tool
from kaigate.errors import RequestInvalidError
from kaigate.providers.anthropic_encode import REFUSED, encode_request

HI = Message("user", (TextBlock("Hi"),))
CALL = Message("assistant", (ToolCallBlock("t", "f", "{}"),))
RESULT = Message("tool", (TextBlock("x"),), tool_call_id="t")
LEAST = {"model": "claude-sonnet-4-5", "max_tokens": 64, "messages": [{"role": "user", "content": "Hi"}]}


def sent(
    request: ChatRequest, *, drop: bool = False, model: str = "claude-sonnet-4-5", ceiling: int | None = 64
) -> tuple[dict[str, Any], list[str]]:
    body, dropped = encode_request(request, model=model, max_output_tokens=ceiling, drop_params=drop)
    return msgspec.json.decode(body), dropped


def test_the_least_request_sends_nothing_that_nobody_asked_for() -> None:
    assert sent(ChatRequest("m", (HI,))) == (LEAST, [])


def test_system_and_stream() -> None:
    request = ChatRequest("m", (Message("system", (TextBlock("Be brief."),)), HI), stream=True)
    assert sent(request)[0] == {**LEAST, "system": "Be brief.", "stream": True}


@pytest.mark.parametrize("drop", [False, True])
def test_a_ceiling_is_needed_and_the_error_names_the_remedies(drop: bool) -> None:
    with pytest.raises(RequestInvalidError, match="send it, or let the operator set") as caught:
        sent(ChatRequest("m", (HI,)), ceiling=None, drop=drop)
    assert (caught.value.code, caught.value.param) == ("invalid_request", "max_tokens")


def test_sampling_in_range_is_sent() -> None:
    sampling = Sampling(temperature=0.0, top_p=0.5, top_k=3, stop=("a", "\nb"))
    body, dropped = sent(ChatRequest("m", (HI,), sampling=sampling))
    assert body == {**LEAST, "temperature": 0.0, "top_p": 0.5, "top_k": 3, "stop_sequences": ["a", "\nb"]}
    assert dropped == []


@pytest.mark.parametrize(
    ("sampling", "name"),
    [
        (Sampling(seed=0), "seed"),
        (Sampling(min_p=0.1), "min_p"),
        (Sampling(n=2), "n"),
        (Sampling(logprobs=True), "logprobs"),
        (Sampling(top_logprobs=2), "top_logprobs"),
        (Sampling(logit_bias={"1": 5}), "logit_bias"),
        (Sampling(presence_penalty=0.1), "presence_penalty"),
        (Sampling(frequency_penalty=-0.1), "frequency_penalty"),
        (Sampling(temperature=1.01), "temperature"),
        (Sampling(stop=(" \n",)), "stop"),
        (Sampling(stop=("",)), "stop"),
    ],
)
def test_what_the_api_lacks_is_refused_or_dropped_by_name(sampling: Sampling, name: str) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        sent(ChatRequest("m", (HI,), sampling=sampling))
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", name)
    assert sent(ChatRequest("m", (HI,), sampling=sampling), drop=True) == (LEAST, [name])


def test_the_visible_stops_stay_when_blank_ones_are_dropped() -> None:
    body, dropped = sent(ChatRequest("m", (HI,), sampling=Sampling(stop=("a", " "))), drop=True)
    assert (body["stop_sequences"], dropped) == (["a"], ["stop"])


def test_values_that_ask_for_nothing_are_no_parameters() -> None:
    sampling = Sampling(n=1, presence_penalty=0.0, frequency_penalty=0, logit_bias={}, logprobs=False, top_logprobs=0)
    assert sent(ChatRequest("m", (HI,), sampling=sampling)) == (LEAST, [])


def test_every_parameter_of_the_canonical_sampling_is_decided_on() -> None:
    assert set(Sampling.__struct_fields__) == REFUSED | {"temperature", "top_p", "top_k", "stop"}


def test_a_user_is_told_as_an_opaque_id() -> None:
    body, _ = sent(ChatRequest("m", (HI,), user="ann@example.com"))
    (name,) = body["metadata"].values()
    assert "ann" not in str(body)
    assert name == sent(ChatRequest("m", (HI,), user="ann@example.com"))[0]["metadata"]["user_id"]
    assert name != sent(ChatRequest("m", (HI,), user="bo@example.com"))[0]["metadata"]["user_id"]
    assert name.startswith("user_")
    assert sent(ChatRequest("m", (HI,), user="\ud800"))[0]["metadata"]


@pytest.mark.parametrize(
    ("extra", "fields", "dropped"),
    [
        ({"service_tier": "auto"}, {"service_tier": "auto"}, []),
        ({"service_tier": "default"}, {"service_tier": "standard_only"}, []),
        ({"service_tier": "standard_only"}, {"service_tier": "standard_only"}, []),
        ({"service_tier": "flex"}, {}, ["service_tier"]),
        ({"service_tier": 5}, {}, ["service_tier"]),
        ({"metadata": {"secret": "x"}, "verbosity": "low"}, {}, ["metadata", "verbosity"]),
        ({"thinking": {"type": "disabled"}}, {"thinking": {"type": "disabled"}}, []),
    ],
)
def test_further_parameters(extra: dict[str, Any], fields: dict[str, Any], dropped: list[str]) -> None:
    assert sent(ChatRequest("m", (HI,), extra=extra)) == ({**LEAST, **fields}, dropped)


def test_a_further_parameter_that_changes_the_answer_is_refused() -> None:
    with pytest.raises(RequestInvalidError, match="typical_p"):
        sent(ChatRequest("m", (HI,), extra={"typical_p": 0.5}))
    assert sent(ChatRequest("m", (HI,), extra={"typical_p": 0.5}), drop=True) == (LEAST, ["typical_p"])


def test_thinking_and_effort() -> None:
    body, _ = sent(ChatRequest("m", (HI,), thinking=Thinking("enabled", 1024)), ceiling=2048)
    assert body == {**LEAST, "max_tokens": 2048, "thinking": {"type": "enabled", "budget_tokens": 1024}}
    body, _ = sent(ChatRequest("m", (HI,), reasoning_effort="low"), model="claude-opus-5")
    assert (body["thinking"], body["output_config"]) == ({"type": "adaptive"}, {"effort": "low"})
    with pytest.raises(RequestInvalidError, match="temperature"):
        sent(
            ChatRequest("m", (HI,), thinking=Thinking("enabled", 1024), sampling=Sampling(temperature=0.5)),
            ceiling=2048,
        )


def test_json_is_native_or_a_tool() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    wanted = ChatRequest("m", (HI,), response_format=ResponseFormat("json_schema", "n", schema))
    native = {"type": "json_schema", "schema": {**schema, "additionalProperties": False}}
    assert sent(wanted)[0] == {**LEAST, "output_config": {"format": native}}
    body, _ = sent(wanted, model="claude-3-5-haiku-latest")
    assert [tool["name"] for tool in body["tools"]] == ["json_answer"]
    assert body["tool_choice"] == {"type": "tool", "name": "json_answer", "disable_parallel_tool_use": True}
    thinking = msgspec.structs.replace(wanted, thinking=Thinking("enabled", 1024))
    with pytest.raises(RequestInvalidError, match="response_format"):
        sent(thinking, model="claude-3-7-sonnet-latest", ceiling=2048)


@pytest.mark.parametrize("end", [(), (Message("system", (TextBlock("s"),)),), (Message("user", (TextBlock(" "),)),)])
def test_an_answer_that_goes_on_from_a_turn_comes_without_thinking_whatever_follows_the_turn(
    end: tuple[Message, ...],
) -> None:
    request = ChatRequest("m", (HI, Message("assistant", (TextBlock("The "),)), *end), reasoning_effort="low")
    body, dropped = sent(request, ceiling=2048, drop=True)
    assert (body["messages"][-1]["content"], "thinking" in body, dropped) == ("The", False, ["reasoning_effort"])
    wanted = msgspec.structs.replace(request, reasoning_effort=None, response_format=ResponseFormat("json_object"))
    assert sent(wanted, drop=True)[1] == ["response_format"]


@pytest.mark.parametrize("messages", [(HI, CALL, RESULT), (HI, CALL)])
def test_a_conversation_with_calls_declares_their_tools(messages: tuple[Message, ...]) -> None:
    body, _ = sent(ChatRequest("m", messages))
    assert body["tools"] == [{"name": "f", "input_schema": {"type": "object"}}]
    assert body["tool_choice"] == {"type": "none"}


def marked(count: int) -> ChatRequest:
    """A request with `count` marks, in each place that has one."""
    user = [Message("user", (TextBlock("Hi", cache="5m"),)) for _ in range(count - 4)]
    result = msgspec.structs.replace(RESULT, cache="5m")
    system = Message("system", (TextBlock("s", cache="1h"),))
    hosted = HostedTool(
        "other", "anthropic_messages", {"type": "x", "name": "y", "cache_control": {"type": "ephemeral"}}
    )
    return ChatRequest("m", (system, *user, HI, CALL, result), tools=(Tool("f", cache="5m"),), hosted_tools=(hosted,))


def test_four_blocks_may_be_marked_for_the_cache() -> None:
    body, _ = sent(marked(4))
    assert msgspec.json.encode(body).count(b'"cache_control"') == 4
    with pytest.raises(RequestInvalidError, match="At most 4"):
        sent(marked(5))
    with pytest.raises(RequestInvalidError, match="At most 4"):
        sent(ChatRequest("m", tuple(Message("user", (TextBlock("Hi", cache="5m"),)) for _ in range(5))))


def test_a_word_of_the_client_s_is_no_mark() -> None:
    schema = {"type": "object", "properties": {"cache_control": {}, "a": {"properties": {"cache_control": {}}}}}
    tools = tuple(Tool(name, parameters=schema) for name in "abc")
    assert sent(ChatRequest("m", (HI,), tools=tools))[0]["tools"][2]["name"] == "c"


def test_names_left_out_are_told() -> None:
    named = Message("user", (TextBlock("Hi"),), name="ann")
    assert sent(ChatRequest("m", (named,))) == (LEAST, ["name"])
