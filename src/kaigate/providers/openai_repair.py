"""Answers of compatible servers brought into OpenAI's exact shape.

Each vendor's deviation that is known stands here by name; keys that OpenAI's shape does not have are left out, so
that they reach no client unread. What is not a chat answer at all is refused.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec

from kaigate.providers.openai_usage import repaired_usage
from kaigate.providers.openai_wire import ServiceTier, WireChunk, WireCompletion

T = TypeVar("T", WireChunk, WireCompletion)

_TIERS: Final = frozenset(ServiceTier.__args__)  # type: ignore[attr-defined]

_FINISH: Final[Mapping[str, str | None]] = {
    "": None,  # some servers write "not yet" so
    "function_call": "tool_calls",
    "eos": "stop",  # Together
    "stop_sequence": "stop",
    "end_turn": "stop",
    "model_length": "length",  # Mistral
    "max_tokens": "length",
    "safety": "content_filter",
}
"""Vendors' finish reasons; any other word stays and is then refused."""


def repair(raw: Any, kind: type[T], *, fallback_id: str, fallback_model: str) -> T:
    """An upstream JSON value as an exact answer or chunk; raises `msgspec.ValidationError` when it is neither."""
    if not isinstance(raw, dict) or not isinstance(raw.get("choices"), list):
        raise msgspec.ValidationError("no choices")
    stream = kind is WireChunk
    tier = raw.get("service_tier")
    created = raw.get("created")
    fixed = {
        "id": raw.get("id") or fallback_id,
        "object": "chat.completion.chunk" if stream else "chat.completion",
        "created": int(created) if isinstance(created, int | float) else 0,
        "model": raw.get("model") or fallback_model,
        "choices": [_choice(choice, stream=stream) for choice in raw["choices"]],
        "system_fingerprint": raw.get("system_fingerprint"),
        "service_tier": tier if isinstance(tier, str) and tier in _TIERS else None,
        "usage": repaired_usage(raw.get("usage")),
    }
    return msgspec.convert(fixed, kind)


def _choice(choice: Any, *, stream: bool) -> dict[str, Any]:
    if not isinstance(choice, dict):
        raise msgspec.ValidationError("a choice is not an object")
    field = "delta" if stream else "message"
    reason = choice.get("finish_reason")
    if isinstance(reason, str):
        reason = _FINISH.get(reason, reason)
    logprobs = choice.get("logprobs")
    return {
        "index": choice.get("index", 0),
        field: _message(choice.get(field) or ({} if stream else None), stream=stream),
        "finish_reason": reason,
        "logprobs": {name: logprobs.get(name) for name in ("content", "refusal")}
        if isinstance(logprobs, dict)
        else None,
    }


def _message(message: Any, *, stream: bool) -> dict[str, Any]:
    if not isinstance(message, dict):
        raise msgspec.ValidationError("a choice has no message")
    calls = message.get("tool_calls")
    legacy = message.get("function_call")
    if not calls and isinstance(legacy, dict):
        calls = [{"index": 0, "id": "", "function": legacy}]
    annotations = message.get("annotations")
    return {
        "role": None if stream and not message.get("role") else "assistant",
        "content": message.get("content"),
        "refusal": message.get("refusal"),
        # vLLM and OpenRouter send one text under both names, Groq and Cerebras under the second
        "reasoning_content": message.get("reasoning_content") or message.get("reasoning"),
        "tool_calls": [_tool_call(call, stream=stream) for call in calls] if isinstance(calls, list) else None,
        "annotations": annotations if isinstance(annotations, list) else None,
    }


def _tool_call(call: Any, *, stream: bool) -> dict[str, Any]:
    if not isinstance(call, dict) or call.get("type") not in (None, "", "function"):
        raise msgspec.ValidationError("a tool call is not a function call")
    function = call.get("function")
    if not isinstance(function, dict):
        function = {}
    arguments = function.get("arguments")
    if isinstance(arguments, dict):  # servers that forget that arguments are text
        arguments = msgspec.json.encode(arguments).decode()
    fixed = {
        "id": call.get("id") or "",
        "type": "function",
        "function": {"name": function.get("name"), "arguments": arguments},
    }
    if stream:
        fixed["index"] = call.get("index", -1)
    return fixed
