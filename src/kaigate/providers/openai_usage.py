"""Token usage as OpenAI and compatible servers report it."""

from typing import Any

from kaigate.chat.usage import Usage


def canonical_usage(usage: dict[str, Any] | None) -> Usage | None:
    """The usage of an answer, or None where the server did not report whole counts.

    Output includes reasoning tokens that a server leaves out of `completion_tokens` but counts in the total (Gemini).
    """
    if usage is None:
        return None
    tokens_in, tokens_out, total = usage.get("prompt_tokens"), usage.get("completion_tokens"), usage.get("total_tokens")
    if type(tokens_in) is not int or type(tokens_out) is not int or tokens_in < 0 or tokens_out < 0:
        return None
    if type(total) is int and total > tokens_in + tokens_out:
        tokens_out = total - tokens_in
    cached = written = reasoning = 0
    prompt, completion = usage.get("prompt_tokens_details"), usage.get("completion_tokens_details")
    if type(prompt) is dict:
        cached, written = _count(prompt, "cached_tokens"), _count(prompt, "cache_write_tokens")
    if type(completion) is dict:
        reasoning = _count(completion, "reasoning_tokens")
    return Usage(tokens_in, tokens_out, cached or _count(usage, "prompt_cache_hit_tokens"), written, reasoning)


def says_the_same(wire: dict[str, Any], usage: Usage) -> bool:
    """Whether a server's own figures are those of the canonical usage, so that they may be relayed."""
    tokens_out = usage.output_tokens
    return wire["completion_tokens"] == tokens_out and wire.get("total_tokens") == usage.input_tokens + tokens_out


def _count(values: dict[str, Any], name: str) -> int:
    value = values.get(name)
    return value if type(value) is int and value > 0 else 0
