"""Sampling and reasoning, by model family."""

from typing import Any

import pytest

from kaigate.chat.content import Message, TextBlock
from kaigate.chat.request import ChatRequest, Sampling, Thinking, Tool, ToolChoice
from kaigate.errors import RequestInvalidError
from kaigate.providers.bedrock_models import family
from kaigate.providers.bedrock_params import Parameters, service_tier

SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
ADAPTIVE = "us.anthropic.claude-sonnet-4-6"
OLD = "anthropic.claude-3-haiku-20240307-v1:0"
NOVA = "us.amazon.nova-micro-v1:0"
LLAMA = "us.meta.llama3-3-70b-instruct-v1:0"


def parameters(
    model: str, *, ceiling: int | None = None, drop: bool = False, **fields: Any
) -> tuple[Parameters, list[str]]:
    dropped: list[str] = []
    request = ChatRequest("m", (Message("user", (TextBlock("x"),)),), **fields)
    found = Parameters(
        request, model=model, kind=family(model), max_output_tokens=ceiling, dropped=dropped, drop_params=drop
    )
    return found, dropped


def additional(model: str, **fields: Any) -> Any:
    return parameters(model, **fields)[0].additional


def refused(model: str, **fields: Any) -> str | None:
    with pytest.raises(RequestInvalidError) as caught:
        parameters(model, **fields)
    assert caught.value.code == "unsupported_parameter"
    return caught.value.param


def test_what_converse_names_itself() -> None:
    sampling = Sampling(temperature=0.5, top_p=0.0, stop=("a", "b"), n=1, logprobs=False)
    found, dropped = parameters(LLAMA, ceiling=7, sampling=sampling)
    assert found.inference == {"maxTokens": 7, "temperature": 0.5, "topP": 0.0, "stopSequences": ["a", "b"]}
    assert (found.additional, found.response_paths, dropped) == ({}, (), [])


def test_what_the_client_did_not_send_is_not_sent() -> None:
    assert parameters(SONNET)[0].inference == {}


def test_claude_says_which_sequence_it_met() -> None:
    assert parameters(SONNET, sampling=Sampling(stop=("a",)))[0].response_paths == ("/stop_sequence",)


def test_top_k_has_a_place_of_each_family_s_own() -> None:
    assert additional(SONNET, sampling=Sampling(top_k=20)) == {"top_k": 20}
    assert additional(NOVA, sampling=Sampling(top_k=20)) == {"inferenceConfig": {"topK": 20}}
    assert refused(LLAMA, sampling=Sampling(top_k=20)) == "top_k"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", 1),
        ("n", 2),
        ("logprobs", True),
        ("top_logprobs", 1),
        ("min_p", 0.1),
        ("presence_penalty", 0.0),
        ("frequency_penalty", 1.0),
        ("logit_bias", {"1": 1.0}),
        ("temperature", 1.5),
        ("stop", (" \n",)),
    ],
)
@pytest.mark.parametrize("model", [SONNET, NOVA, LLAMA])
def test_what_no_model_takes_is_refused_or_dropped_and_named(model: str, name: str, value: Any) -> None:
    sampling = Sampling(**{name: value})
    assert refused(model, sampling=sampling) == name
    found, dropped = parameters(model, drop=True, sampling=sampling)
    assert (found.inference, found.additional, dropped) == ({}, {}, [name])


def test_only_blank_stop_sequences_are_dropped() -> None:
    found, dropped = parameters(LLAMA, drop=True, sampling=Sampling(stop=("", "a")))
    assert (found.inference, dropped) == ({"stopSequences": ["a"]}, ["stop"])


@pytest.mark.parametrize(
    ("thinking", "wire", "thinks"),
    [
        (Thinking("enabled", 2000), {"type": "enabled", "budget_tokens": 2000}, True),
        (Thinking("enabled", 1024, "omitted"), {"type": "enabled", "budget_tokens": 1024, "display": "omitted"}, True),
        (Thinking("adaptive"), {"type": "adaptive"}, True),
        (Thinking("disabled"), {"type": "disabled"}, False),
    ],
)
def test_thinking_in_claude_s_own_words(thinking: Thinking, wire: dict[str, Any], thinks: bool) -> None:
    found, _ = parameters(SONNET, thinking=thinking, ceiling=4000)
    assert (found.additional, found.thinks) == ({"thinking": wire}, thinks)


def test_a_budget_must_leave_room_for_the_answer() -> None:
    with pytest.raises(RequestInvalidError) as caught:
        parameters(SONNET, thinking=Thinking("enabled", 2000), ceiling=2000)
    assert caught.value.param == "thinking.budget_tokens"


@pytest.mark.parametrize("model", [OLD, NOVA, LLAMA])
def test_thinking_is_refused_where_there_is_none(model: str) -> None:
    assert refused(model, thinking=Thinking("adaptive")) == "thinking"
    assert additional(model, thinking=Thinking("disabled")) == {}


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        (SONNET, "low", {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        (SONNET, "high", {"thinking": {"type": "enabled", "budget_tokens": 5000}}),
        (SONNET, "none", {"thinking": {"type": "disabled"}}),
        (ADAPTIVE, "high", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}),
        (ADAPTIVE, "minimal", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
        (ADAPTIVE, "max", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}),
        ("openai.gpt-oss-120b-1:0", "high", {"reasoning_effort": "high"}),
        ("qwen.qwen3-32b-v1:0", "high", {"reasoning_config": "high"}),
        ("us.amazon.nova-2-lite-v1:0", "low", {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}),
        (NOVA, "none", {}),
    ],
)
def test_an_effort_in_each_family_s_words(model: str, effort: str, expected: dict[str, Any]) -> None:
    assert additional(model, reasoning_effort=effort, ceiling=10_000) == expected


@pytest.mark.parametrize("model", [OLD, NOVA, LLAMA])
def test_an_effort_is_refused_where_it_means_nothing(model: str) -> None:
    assert refused(model, reasoning_effort="high") == "reasoning_effort"


def test_an_answer_too_short_to_think_is_refused() -> None:
    assert refused(SONNET, reasoning_effort="high", ceiling=1500) == "reasoning_effort"
    assert additional(SONNET, reasoning_effort="high", ceiling=1500, drop=True) == {}


@pytest.mark.parametrize(("name", "value"), [("temperature", 0.5), ("top_p", 0.5), ("top_k", 5)])
def test_thinking_excludes_sampling(name: str, value: float) -> None:
    sampling = Sampling(**{name: value})
    assert refused(SONNET, thinking=Thinking("enabled", 1024), sampling=sampling) == name
    found, dropped = parameters(SONNET, thinking=Thinking("enabled", 1024), sampling=sampling, drop=True)
    assert (found.inference, dropped) == ({}, [name])


def test_what_thinking_admits_is_sent() -> None:
    found, _ = parameters(SONNET, thinking=Thinking("adaptive"), sampling=Sampling(temperature=1.0, top_p=0.97))
    assert found.inference == {"temperature": 1.0, "topP": 0.97}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"tools": (Tool("t"),)}, {"tool_choice": {"disable_parallel_tool_use": True}}),
        ({"tools": (Tool("t"),), "tool_choice": ToolChoice("none")}, {}),
        ({}, {}),
    ],
)
def test_one_call_at_a_time(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert additional(SONNET, parallel_tool_calls=False, **fields) == expected
    assert additional(SONNET, parallel_tool_calls=True, **fields) == {}


@pytest.mark.parametrize(
    ("tier", "wire", "named"),
    [("flex", "flex", []), ("priority", "priority", []), ("auto", None, []), ("scale", None, ["service_tier"])],
)
def test_the_service_tier(tier: str, wire: str | None, named: list[str]) -> None:
    dropped: list[str] = []
    request = ChatRequest("m", (), extra={"service_tier": tier})
    assert (service_tier(request, dropped), dropped) == (wire, named)


@pytest.mark.parametrize(
    ("model", "thinking", "effort", "expected"),
    [
        (ADAPTIVE, Thinking("adaptive"), "low", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
        (ADAPTIVE, Thinking("disabled"), "max", {"thinking": {"type": "disabled"}, "output_config": {"effort": "max"}}),
        (SONNET, Thinking("disabled"), "none", {"thinking": {"type": "disabled"}}),
        (LLAMA, Thinking("disabled"), "none", {}),
    ],
)
def test_an_effort_beside_thinking(model: str, thinking: Thinking, effort: str, expected: Any) -> None:
    assert additional(model, thinking=thinking, reasoning_effort=effort) == expected


@pytest.mark.parametrize(
    ("model", "thinking", "effort"),
    [
        (SONNET, Thinking("enabled", 2048), "low"),
        (SONNET, Thinking("disabled"), "high"),
        (ADAPTIVE, Thinking("adaptive"), "none"),
        (LLAMA, Thinking("disabled"), "low"),
    ],
)
def test_an_effort_that_does_not_go_with_thinking_is_refused_or_named(
    model: str, thinking: Thinking, effort: str
) -> None:
    assert refused(model, thinking=thinking, reasoning_effort=effort) == "reasoning_effort"
    assert parameters(model, drop=True, thinking=thinking, reasoning_effort=effort)[1] == ["reasoning_effort"]


def test_an_effort_stands_for_thinking_where_a_family_has_only_that() -> None:
    model = "openai.gpt-oss-120b-1:0"
    found, dropped = parameters(model, drop=True, thinking=Thinking("adaptive"), reasoning_effort="high")
    assert (found.additional, dropped) == ({"reasoning_effort": "high"}, ["thinking"])
