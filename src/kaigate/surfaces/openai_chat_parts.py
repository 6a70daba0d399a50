"""Pieces that the complete and the streamed chat answer share."""

from typing import Any, Final

import msgspec

from kaigate.chat.usage import Usage

encode_json: Final = msgspec.json.Encoder().encode

SERVICE_TIERS: Final = frozenset({"auto", "default", "flex", "scale", "priority", "fast"})
"""What the official SDK's type admits; a vendor's own word is left out."""


def wire_usage(usage: Usage) -> dict[str, Any]:
    """OpenAI's `CompletionUsage` object."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_input_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


def wire_logprobs(entries: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    """Token log probabilities with the list that the SDK's type requires and some servers leave out."""
    if entries is None:
        return None
    return [entry if "top_logprobs" in entry else {**entry, "top_logprobs": []} for entry in entries]
