"""Pieces that the complete and the streamed chat answer share."""

from typing import Any, Final

import msgspec

from kaigate.chat.events import LogprobsDelta
from kaigate.chat.usage import Usage

encode_json: Final = msgspec.json.Encoder().encode

Logprobs = dict[str, list[dict[str, Any]] | None]

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


def join_logprobs(earlier: Logprobs | None, event: LogprobsDelta) -> Logprobs:
    """OpenAI's `logprobs` object with this event's entries added to those before it."""
    before = earlier or {"content": None, "refusal": None}
    return {
        "content": _joined(before["content"], event.content),
        "refusal": _joined(before["refusal"], event.refusal),
    }


def _joined(before: list[dict[str, Any]] | None, entries: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    if entries is None:
        return before
    # The SDK's type requires a list that some servers leave out.
    complete = [entry if "top_logprobs" in entry else {**entry, "top_logprobs": []} for entry in entries]
    return complete if before is None else [*before, *complete]
