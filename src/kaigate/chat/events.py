"""The canonical event stream of an answer.

A complete answer and a streamed one are the same events; the complete one arrives in a single frame.
Order: `Start` once; then per choice deltas and one `Finish`; `UsageReport` at most once; `End` last, only after
the upstream's own terminal marker, so a stream without `End` was truncated.
"""

from typing import Any, Literal

import msgspec

from kaigate.chat.usage import Usage
from kaigate.errors import GatewayError

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


class Start(msgspec.Struct, frozen=True, gc=False):
    """The answer begins: the upstream's id, model and creation time (seconds since the epoch)."""

    id: str
    model: str
    created: int
    system_fingerprint: str | None = None
    service_tier: str | None = None


class TextDelta(msgspec.Struct, frozen=True, gc=False):
    """Answer text of one choice."""

    text: str
    choice: int = 0


class ReasoningDelta(msgspec.Struct, frozen=True, gc=False):
    """Reasoning text of one choice; `signature` is opaque and may arrive alone, and ends a block of reasoning.

    `redacted` is a whole block of reasoning that its provider encrypted; `text` is empty then.
    """

    text: str
    choice: int = 0
    signature: str | None = None
    redacted: str | None = None


class RefusalDelta(msgspec.Struct, frozen=True, gc=False):
    """Refusal text of one choice."""

    text: str
    choice: int = 0


class ToolCallStart(msgspec.Struct, frozen=True, gc=False):
    """A tool call begins; `index` counts the tool calls of its choice from 0."""

    index: int
    id: str
    name: str
    choice: int = 0


class ToolCallDelta(msgspec.Struct, frozen=True, gc=False):
    """A fragment of a tool call's arguments, JSON text."""

    index: int
    arguments: str
    choice: int = 0


class LogprobsDelta(msgspec.Struct, frozen=True):
    """Token log probabilities of one choice, in OpenAI's shape: each entry repeats answer text."""

    content: list[dict[str, Any]] | None
    refusal: list[dict[str, Any]] | None = None
    choice: int = 0


class AnnotationsDelta(msgspec.Struct, frozen=True):
    """Citations of one choice, in OpenAI's shape: each may repeat text."""

    annotations: list[dict[str, Any]]
    choice: int = 0


class Finish(msgspec.Struct, frozen=True, gc=False):
    """One choice ended; `stop_sequence` is the one that was met, where the provider tells."""

    reason: FinishReason
    choice: int = 0
    stop_sequence: str | None = None


class UsageReport(msgspec.Struct, frozen=True, gc=False):
    """Tokens of the whole answer, as the provider reports them (cumulative: the last one holds)."""

    usage: Usage


class End(msgspec.Struct, frozen=True, gc=False):
    """The upstream said that the answer is complete."""


ChatEvent = (
    Start
    | TextDelta
    | ReasoningDelta
    | RefusalDelta
    | ToolCallStart
    | ToolCallDelta
    | LogprobsDelta
    | AnnotationsDelta
    | Finish
    | UsageReport
    | End
)


class Frame(msgspec.Struct, frozen=True):
    """Events decoded from one upstream frame, with its bytes.

    `exact` is True only when every key of the frame is represented in `events`, so that `raw` may be relayed
    to a client of the same format if no stage touched the events. `raw` excludes the framing (SSE `data:`).
    `failure` marks the frame, without events, at which decoding broke off: the frames before it hold.
    """

    events: list[ChatEvent]
    raw: bytes = b""
    exact: bool = False
    failure: GatewayError | None = None
