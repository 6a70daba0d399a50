"""Pieces that the complete and the streamed text completion share."""

from typing import Any, Final

from kaigate.chat.events import FinishReason, LogprobsDelta, Start

_REASONS: Final[dict[FinishReason, str]] = {"tool_calls": "stop"}
"""Reasons that a text completion has another word for: it knows no tools."""


def wire_reason(reason: FinishReason) -> str:
    """The `finish_reason` of a text completion."""
    return _REASONS.get(reason, reason)


def head(start: Start) -> dict[str, Any]:
    """The fields of a `text_completion` that are the same in each of its chunks."""
    fields: dict[str, Any] = {
        "id": start.id,
        "object": "text_completion",
        "created": start.created,
        "model": start.model,
    }
    if start.system_fingerprint is not None:
        fields["system_fingerprint"] = start.system_fingerprint
    return fields


class LegacyLogprobs:
    """Log probabilities in the legacy shape, four lists side by side, while those of one choice arrive.

    Offsets are characters of the answer's text, counted over the tokens themselves.
    """

    def __init__(self) -> None:
        self._offset = 0

    def take(self, event: LogprobsDelta) -> dict[str, Any] | None:
        """The entries of one event, None where it has none of text."""
        if event.content is None:
            return None
        wire: dict[str, Any] = {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}
        for entry in event.content:
            token = entry.get("token", "")
            wire["tokens"].append(token)
            wire["token_logprobs"].append(entry.get("logprob"))
            others = entry.get("top_logprobs") or ()
            wire["top_logprobs"].append({other.get("token", ""): other.get("logprob") for other in others})
            wire["text_offset"].append(self._offset)
            self._offset += len(token)
        return wire


def joined(earlier: dict[str, Any] | None, later: dict[str, Any] | None) -> dict[str, Any] | None:
    """Entries of two events as one."""
    if earlier is None or later is None:
        return later if earlier is None else earlier
    return {name: [*entries, *later[name]] for name, entries in earlier.items()}
