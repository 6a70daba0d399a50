"""Answers of OpenAI and compatible servers, in the exact shape whose every key the decoder represents.

Unknown keys are refused here, so a frame that decodes may be relayed as it came; frames with more in them take the
way through `openai_repair`. Fields typed None or as numbers are vendors' extras that can't carry text.
Sources: OpenAI API reference (the chat completion object and chunk object), vLLM and llama.cpp server responses.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

ServiceTier = Literal["auto", "default", "flex", "scale", "priority", "fast"]
WireFinish = Literal["stop", "length", "tool_calls", "content_filter"]
Numbers = dict[str, bool | int | float | dict[str, bool | int | float | None] | None]
"""Timings: nested at most once, numbers only."""
Count = Annotated[int, Meta(ge=0)] | None


class WirePromptDetails(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    cached_tokens: Count = None
    cache_write_tokens: Count = None
    audio_tokens: Count = None
    text_tokens: Count = None
    image_tokens: Count = None
    video_tokens: Count = None


class WireCompletionDetails(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    reasoning_tokens: Count = None
    audio_tokens: Count = None
    accepted_prediction_tokens: Count = None
    rejected_prediction_tokens: Count = None
    text_tokens: Count = None
    image_tokens: Count = None


class WireUsage(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Usage with the numbers that OpenAI, then DeepSeek, Groq (seconds), xAI and OpenRouter (dollars) add to it."""

    prompt_tokens: Count = None
    completion_tokens: Count = None
    total_tokens: Count = None
    prompt_tokens_details: WirePromptDetails | None = None
    completion_tokens_details: WireCompletionDetails | None = None
    prompt_cache_hit_tokens: Count = None
    prompt_cache_miss_tokens: Count = None
    queue_time: float | None = None
    prompt_time: float | None = None
    completion_time: float | None = None
    total_time: float | None = None
    num_sources_used: Count = None
    cost: float | None = None
    is_byok: bool | None = None


class WireFunction(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    name: str | None = None
    arguments: str | None = None


class WireToolCallDelta(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    index: int
    id: str | None = None
    type: Literal["function"] | None = None
    function: WireFunction | None = None


class WireLogprobs(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    content: list[dict[str, Any]] | None = None
    refusal: list[dict[str, Any]] | None = None


class WireDelta(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    content: str | None = None
    role: Literal["assistant"] | None = None
    refusal: str | None = None
    tool_calls: list[WireToolCallDelta] | None = None
    reasoning_content: str | None = None
    function_call: None = None
    audio: None = None
    annotations: list[dict[str, Any]] | None = None


class WireChunkChoice(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    index: int
    delta: WireDelta
    finish_reason: WireFinish | None = None
    logprobs: WireLogprobs | None = None
    stop_reason: int | None = None
    token_ids: None = None


class WireChunk(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One `chat.completion.chunk`. `obfuscation` is padding: known, but text that nobody reads."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[WireChunkChoice]
    system_fingerprint: str | None = None
    service_tier: ServiceTier | None = None
    usage: WireUsage | None = None
    obfuscation: str | None = None
    timings: Numbers | None = None
    prompt_token_ids: None = None


class WireToolCall(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    id: str
    type: Literal["function"]
    function: WireFunction


class WireMessage(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    role: Literal["assistant"]
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[WireToolCall] | None = None
    reasoning_content: str | None = None
    function_call: None = None
    audio: None = None
    annotations: list[dict[str, Any]] | None = None


class WireChoice(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    index: int
    message: WireMessage
    finish_reason: WireFinish
    logprobs: WireLogprobs | None = None
    stop_reason: int | None = None
    token_ids: None = None


class WireCompletion(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One `chat.completion`."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[WireChoice]
    system_fingerprint: str | None = None
    service_tier: ServiceTier | None = None
    usage: WireUsage | None = None
    timings: Numbers | None = None
    prompt_logprobs: None = None
    prompt_token_ids: None = None
    kv_transfer_params: None = None
