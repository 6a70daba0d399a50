"""Token usage as OpenAI and compatible servers report it."""

from typing import Any

from kaigate.chat.usage import Usage


def canonical_usage(usage: dict[str, Any] | None) -> Usage | None:
    """The usage of an answer, or None where the server did not report whole counts.

    Output includes reasoning tokens that a server leaves out of `completion_tokens` but counts in the total (Gemini).
    """
    if usage is None:
        return None
    tokens_in, tokens_out = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if type(tokens_in) is not int or type(tokens_out) is not int or tokens_in < 0 or tokens_out < 0:
        return None
    total = _count(usage, "total_tokens")
    prompt, completion = usage.get("prompt_tokens_details"), usage.get("completion_tokens_details")
    return Usage(
        input_tokens=tokens_in,
        output_tokens=max(tokens_out, total - tokens_in),
        cached_input_tokens=_count(prompt, "cached_tokens") or _count(usage, "prompt_cache_hit_tokens"),
        cache_write_tokens=_count(prompt, "cache_write_tokens"),
        reasoning_tokens=_count(completion, "reasoning_tokens"),
    )


def says_the_same(wire: dict[str, Any], usage: Usage) -> bool:
    """Whether a server's own figures are those of the canonical usage, so that they may be relayed."""
    return wire["completion_tokens"] == usage.output_tokens and wire.get("total_tokens") == usage.total_tokens


def _count(values: Any, name: str) -> int:
    value = values.get(name) if type(values) is dict else None
    return value if type(value) is int and value > 0 else 0
