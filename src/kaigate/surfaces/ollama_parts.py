"""Pieces that the complete and the streamed answers of Ollama's API share."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from kaigate.chat.events import ChatEvent, FinishReason
from kaigate.chat.usage import Usage
from kaigate.errors import UpstreamFailedError

encode_json: Final = msgspec.json.Encoder().encode

Form = Literal["chat", "generate"]

DONE_REASONS: Final[dict[FinishReason, str]] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "stop",
    "content_filter": "content_filter",
}
"""Ollama ends a turn with tool calls like any other, and has no word for a filtered answer."""


_LINE_BREAKS: Final = (
    ("\x85".encode(), rb"\u0085"),
    ("\u2028".encode(), rb"\u2028"),
    ("\u2029".encode(), rb"\u2029"),
)
"""Unicode's own line breaks that JSON does not escape: clients that split lines as text would cut a line there."""


def one_line(line: bytes) -> bytes:
    """An encoded object that is one line for every reader, as the official Python client's `iter_lines` wants it."""
    if line.isascii():
        return line
    for character, escape in _LINE_BREAKS:
        if character in line:
            line = line.replace(character, escape)
    return line


def created_at(seconds: int) -> str:
    """RFC 3339 of a time in seconds since the epoch; the epoch itself where it is no such time."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        moment = datetime.fromtimestamp(0, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def require_one_choice(event: ChatEvent) -> None:
    """Raise `UpstreamFailedError` for an event of a second choice: Ollama's clients can't ask for one."""
    if getattr(event, "choice", 0):
        raise UpstreamFailedError("upstream_error", "The model server answered with more than one choice.")


class PartialCall:
    """One tool call while its arguments arrive."""

    __slots__ = ("arguments", "id", "name")

    def __init__(self, call_id: str, name: str) -> None:
        self.id = call_id
        self.name = name
        self.arguments: list[str] = []


class ToolCalls:
    """The tool calls of one answer; Ollama's are written whole, with their arguments as an object."""

    __slots__ = ("_calls",)

    def __init__(self) -> None:
        self._calls: dict[int, PartialCall] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def start(self, index: int, call_id: str, name: str) -> None:
        """A call begins."""
        self._calls[index] = PartialCall(call_id, name)

    def extend(self, index: int, arguments: str) -> None:
        """A fragment of a call's arguments."""
        self._calls[index].arguments.append(arguments)

    def take(self, *, cut: bool) -> list[dict[str, Any]]:
        """All calls in Ollama's form, which are then forgotten.

        Arguments that are not a JSON object can't be written: in an answer that was `cut` at its length the call is
        left out, as the done reason tells; else raises `UpstreamFailedError`.
        """
        wire: list[dict[str, Any]] = []
        for index in sorted(self._calls):
            call = self._calls[index]
            arguments = _object("".join(call.arguments))
            if arguments is not None:
                wire.append({"id": call.id, "function": {"index": index, "name": call.name, "arguments": arguments}})
            elif not cut:
                raise UpstreamFailedError(
                    "upstream_error", "The model called a tool with arguments that are not a JSON object."
                )
        self._calls.clear()
        return wire


def body(
    form: Form,
    text: str,
    thinking: str,
    calls: Sequence[dict[str, Any]] = (),
    logprobs: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """What the model said, in the place where the form has it.

    Raises `UpstreamFailedError` for a tool call in a generate answer: none can have been offered.
    """
    if form == "generate":
        if calls:
            raise UpstreamFailedError("upstream_error", "The model called a tool that was not offered.")
        fields: dict[str, Any] = {"response": text}
        if thinking:
            fields["thinking"] = thinking
    else:
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if thinking:
            message["thinking"] = thinking
        if calls:
            message["tool_calls"] = calls
        fields = {"message": message}
    if logprobs:
        fields["logprobs"] = logprobs
    return fields


def ending(reason: FinishReason, usage: Usage | None) -> dict[str, Any]:
    """The fields of the last object. Durations are left out, since nothing here measures the model."""
    fields: dict[str, Any] = {"done": True, "done_reason": DONE_REASONS[reason]}
    if usage is not None:
        fields["prompt_eval_count"] = usage.input_tokens
        fields["eval_count"] = usage.output_tokens
    return fields


def with_provider(provider: bytes, raw: bytes) -> bytes:
    """An upstream's object with the provider's name added; `provider` is the encoded key and value with a comma."""
    return b"{" + provider + raw[1:]


def _object(arguments: str) -> dict[str, Any] | None:
    if not arguments.strip():
        return {}
    try:
        value = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
