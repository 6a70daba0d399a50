"""Known deviations of compatible servers are mended, the rest is refused."""

from typing import Any

import msgspec
import pytest

from kaigate.providers.openai_repair import repair
from kaigate.providers.openai_wire import WireChunk, WireCompletion


def completion(raw: Any) -> WireCompletion:
    return repair(raw, WireCompletion, fallback_id="fallback", fallback_model="asked")


def chunk(raw: Any) -> WireChunk:
    return repair(raw, WireChunk, fallback_id="fallback", fallback_model="asked")


def message(**fields: Any) -> Any:
    raw = {"choices": [{"index": 0, "message": {"role": "assistant", **fields}, "finish_reason": "stop"}]}
    return completion(raw).choices[0].message


def test_what_a_server_leaves_out_is_filled_in() -> None:
    answer = completion({"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]})
    assert (answer.id, answer.model, answer.created, answer.choices[0].index) == ("fallback", "asked", 0, 0)
    assert answer.choices[0].message.role == "assistant"


@pytest.mark.parametrize("tier", ["on_demand", 5, None, "flex"])
def test_a_service_tier_that_the_sdk_does_not_know_is_left_out(tier: Any) -> None:
    answer = completion({"choices": [], "service_tier": tier})
    assert answer.service_tier == ("flex" if tier == "flex" else None)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", "stop"),
        ("function_call", "tool_calls"),
        ("eos", "stop"),
        ("end_turn", "stop"),
        ("model_length", "length"),
        ("max_tokens", "length"),
        ("safety", "content_filter"),
    ],
)
def test_finish_reasons_of_vendors(word: str, reason: str) -> None:
    raw = {"choices": [{"index": 0, "delta": {}, "finish_reason": word}]}
    assert chunk(raw).choices[0].finish_reason == reason


def test_an_unknown_finish_reason_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        chunk({"choices": [{"index": 0, "delta": {}, "finish_reason": "insufficient_system_resource"}]})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"reasoning": "r"}, "r"),
        ({"reasoning_content": "r"}, "r"),
        ({"reasoning": "r", "reasoning_content": "r"}, "r"),
        ({"reasoning": None}, None),
    ],
)
def test_reasoning_has_one_name(fields: dict[str, Any], expected: str | None) -> None:
    assert message(**fields).reasoning_content == expected


def test_a_legacy_function_call_is_a_tool_call() -> None:
    calls = message(function_call={"name": "look", "arguments": "{}"}).tool_calls
    assert [(call.function.name, call.function.arguments) for call in calls] == [("look", "{}")]


def test_arguments_that_are_an_object_become_text() -> None:
    calls = message(tool_calls=[{"id": "c", "function": {"name": "look", "arguments": {"a": 1}}}]).tool_calls
    assert calls[0].function.arguments == '{"a":1}'


def test_keys_that_are_not_known_reach_nobody() -> None:
    raw = {
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "x", "audio": {"transcript": "s"}, "extra_content": "s"},
                "finish_reason": "stop",
                "content_filter_results": {"text": "s"},
            }
        ],
        "x_groq": {"id": "s"},
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "note": "s", "details": {"note": "s", "n": 1}},
    }
    assert '"s"' not in msgspec.json.encode(completion(raw)).decode()


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        "text",
        {},
        {"choices": None},
        {"choices": {}},
        {"choices": ["x"]},
        {"choices": [{"index": 0, "finish_reason": "stop"}]},
        {"choices": [{"index": 0, "message": "x", "finish_reason": "stop"}]},
        {"choices": [{"index": 0, "message": {"content": 5}, "finish_reason": "stop"}]},
        {"choices": [{"index": 0, "message": {"content": [{"type": "text"}]}, "finish_reason": "stop"}]},
        {"choices": [{"index": "0", "message": {"content": "x"}, "finish_reason": "stop"}]},
        {"choices": [{"index": 0, "message": {"content": "x"}}]},
        {"choices": [{"index": 0, "message": {"tool_calls": [{"type": "custom"}]}, "finish_reason": "stop"}]},
        {"choices": [{"index": 0, "message": {"tool_calls": ["x"]}, "finish_reason": "stop"}]},
        {"choices": [{"index": 0, "message": {"content": "x"}, "finish_reason": "stop", "logprobs": {"content": "x"}}]},
    ],
)
def test_what_is_not_a_chat_answer_is_refused(raw: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        completion(raw)
