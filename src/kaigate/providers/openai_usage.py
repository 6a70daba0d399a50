"""Token usage as OpenAI and compatible servers report it."""

from typing import Any, Final

from kaigate.chat.usage import Usage
from kaigate.providers.openai_wire import WireUsage

_COUNTS: Final = ("prompt_tokens", "completion_tokens", "total_tokens", "prompt_cache_hit_tokens")
_DETAILS: Final = {
    "prompt_tokens_details": ("cached_tokens", "cache_write_tokens"),
    "completion_tokens_details": ("reasoning_tokens",),
}


def canonical_usage(usage: WireUsage | None) -> Usage | None:
    """The usage of an answer, or None where the server did not report whole counts.

    Output includes reasoning tokens that a server leaves out of `completion_tokens` but counts in the total (Gemini).
    """
    if usage is None:
        return None
    tokens_in, tokens_out, total = usage.prompt_tokens, usage.completion_tokens, usage.total_tokens
    if tokens_in is None or tokens_out is None:
        return None
    if total is not None and total > tokens_in + tokens_out:
        tokens_out = total - tokens_in
    prompt, completion = usage.prompt_tokens_details, usage.completion_tokens_details
    cached = written = reasoning = None
    if prompt is not None:
        cached, written = prompt.cached_tokens, prompt.cache_write_tokens
    if completion is not None:
        reasoning = completion.reasoning_tokens
    return Usage(tokens_in, tokens_out, cached or usage.prompt_cache_hit_tokens or 0, written or 0, reasoning or 0)


def says_the_same(wire: WireUsage, usage: Usage) -> bool:
    """Whether a server's own figures are those of the canonical usage, so that they may be relayed."""
    tokens_out = usage.output_tokens
    return wire.completion_tokens == tokens_out and wire.total_tokens == usage.input_tokens + tokens_out


def repaired_usage(usage: Any) -> dict[str, Any] | None:
    """What of a server's usage, of whatever shape, are counts that the canonical usage has."""
    if not isinstance(usage, dict):
        return None
    kept: dict[str, Any] = _counts(usage, _COUNTS)
    for name, counts in _DETAILS.items():
        details = usage.get(name)
        if isinstance(details, dict):
            kept[name] = _counts(details, counts)
    return kept


def _counts(values: dict[str, Any], names: tuple[str, ...]) -> dict[str, int]:
    return {name: value for name in names if type(value := values.get(name)) is int and value >= 0}
