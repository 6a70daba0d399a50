"""Only a frame whose every key is known decodes exactly."""

from typing import Any

import msgspec
import pytest

from kaigate.providers.openai_wire import WireChunk, WireCompletion

CHUNK = {
    "id": "c",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "delta": {"role": "assistant", "content": "x"}, "finish_reason": None}],
}
COMPLETION = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}],
}


def accepts(kind: type, raw: dict[str, Any]) -> bool:
    try:
        msgspec.json.decode(msgspec.json.encode(raw), type=kind)
    except msgspec.ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"timings": {"prompt_n": 5, "predicted_ms": 1.5, "draft": None}},  # llama.cpp
        {"prompt_token_ids": None},  # vLLM
        {"usage": {"prompt_tokens": 1, "queue_time": 0.5, "prompt_tokens_details": {"cached_tokens": None}}},
        {"service_tier": "default", "system_fingerprint": None},
    ],
)
def test_numbers_of_vendors_are_exact(extra: dict[str, Any]) -> None:
    assert accepts(WireChunk, {**CHUNK, **extra})
    assert accepts(WireCompletion, {**COMPLETION, **extra})


@pytest.mark.parametrize(
    "extra",
    [
        {"timings": {"note": "text"}},
        {"usage": {"note": "text"}},
        {"usage": {"prompt_tokens": -1}},
        {"usage": {"prompt_tokens_details": {"note": "text"}}},
        {"usage": {"completion_tokens_details": {"note": 1}}},
        {"prompt_token_ids": [1]},
        {"anything": None},
        {"service_tier": "on_demand"},
        {"object": "other"},
        {"created": "now"},
    ],
)
def test_text_in_unknown_places_is_not_exact(extra: dict[str, Any]) -> None:
    assert not accepts(WireChunk, {**CHUNK, **extra})
    assert not accepts(WireCompletion, {**COMPLETION, **extra})


@pytest.mark.parametrize(
    "extra", [{"audio": {"transcript": "x"}}, {"function_call": {"name": "f"}}, {"reasoning": "x"}, {"parsed": {}}]
)
def test_further_text_of_a_message_is_not_exact(extra: dict[str, Any]) -> None:
    choice = COMPLETION["choices"][0]  # type: ignore[index]
    assert not accepts(
        WireCompletion, {**COMPLETION, "choices": [{**choice, "message": {**choice["message"], **extra}}]}
    )


def test_a_stop_reason_that_is_text_is_not_exact() -> None:
    choice = CHUNK["choices"][0]  # type: ignore[index]
    assert accepts(WireChunk, {**CHUNK, "choices": [{**choice, "stop_reason": 128009}]})
    assert not accepts(WireChunk, {**CHUNK, "choices": [{**choice, "stop_reason": "END"}]})
