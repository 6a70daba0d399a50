"""Pieces that the complete and the streamed answer of Anthropic's Messages API share."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from kaigate.chat.events import AnnotationsDelta, ChatEvent, Finish, FinishReason, Start
from kaigate.chat.usage import Usage
from kaigate.errors import UpstreamFailedError

encode_json: Final = msgspec.json.Encoder().encode

MAX_HELD: Final = 8 * 1024 * 1024
"""Characters of one tool call's arguments, or of what waits behind it."""

_REASONS: Final[Mapping[FinishReason, str]] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
_TIERS: Final = frozenset({"standard", "priority", "batch"})
_LOCATIONS: Final = frozenset(
    {
        "char_location",
        "page_location",
        "content_block_location",
        "search_result_location",
        "web_search_result_location",
    }
)
_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def wire_usage(usage: Usage | None, service_tier: str | None = None) -> dict[str, Any]:
    """Anthropic's `Usage` object: `input_tokens` excludes what the cache counts. Zeros where nothing was reported."""
    if usage is None:
        return {"input_tokens": 0, "output_tokens": 0}
    read, written = usage.cached_input_tokens, usage.cache_write_tokens
    wire: dict[str, Any] = {
        "input_tokens": max(0, usage.input_tokens - read - written),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "output_tokens": usage.output_tokens,
    }
    if usage.reasoning_tokens:
        wire["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    if service_tier in _TIERS:
        wire["service_tier"] = service_tier
    return wire


def wire_message(start: Start, content: list[Any], stop: Mapping[str, Any], usage: Mapping[str, Any]) -> dict[str, Any]:
    """Anthropic's `Message` object."""
    return {
        "id": start.id,
        "type": "message",
        "role": "assistant",
        "model": start.model,
        "content": content,
        **stop,
        "usage": usage,
    }


def wire_stop(finish: Finish | None, *, called: bool, refused: bool) -> dict[str, Any]:
    """`stop_reason` and `stop_sequence`: a client runs tools only on `tool_use`, whatever the upstream called it."""
    reason = "end_turn" if finish is None else _REASONS[finish.reason]
    sequence = None if finish is None else finish.stop_sequence
    if reason == "end_turn":
        if refused:
            reason = "refusal"
        elif called:
            reason = "tool_use"
        elif sequence is not None:
            reason = "stop_sequence"
    return {"stop_reason": reason, "stop_sequence": sequence if reason == "stop_sequence" else None}


def citations(event: AnnotationsDelta) -> list[dict[str, Any]]:
    """Citations in Anthropic's shape: the original where there is one, web pages else.

    What has no equivalent is left out: it only points at the text, which is all there.
    """
    found: list[dict[str, Any]] = []
    for annotation in event.annotations:
        original = annotation.get("citation")
        if isinstance(original, dict) and original.get("type") in _LOCATIONS:
            found.append(original)
        elif annotation.get("type") == "url_citation" and isinstance(annotation.get("url_citation"), dict):
            place = annotation["url_citation"]
            found.append(
                {
                    "type": "web_search_result_location",
                    "cited_text": "",
                    "encrypted_index": "",
                    "title": _text(place, "title"),
                    "url": _text(place, "url"),
                }
            )
    return found


def is_object(arguments: str) -> bool:
    """Whether a tool call's arguments are complete: one JSON object."""
    try:
        _OBJECT.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def require_one_choice(event: ChatEvent) -> None:
    """Raise for an event of a further choice: this format has one, and no request can ask for more."""
    if getattr(event, "choice", 0):
        raise broken("has a choice that nobody asked for")


def broken(how: str) -> UpstreamFailedError:
    """An answer that this format can't express."""
    return UpstreamFailedError("upstream_error", f"The model server's answer {how}.")


def _text(place: Mapping[str, Any], name: str) -> str:
    value = place.get(name)
    return value if isinstance(value, str) else ""
