"""The complete answer of `POST /v1/messages`: canonical events to one `message` object."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from kaigate.chat.events import (
    AnnotationsDelta,
    ChatEvent,
    End,
    Finish,
    Frame,
    LogprobsDelta,
    ReasoningDelta,
    RefusalDelta,
    Start,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from kaigate.errors import GatewayError
from kaigate.surfaces.anthropic_error import error_body
from kaigate.surfaces.anthropic_parts import (
    broken,
    citations,
    encode_json,
    is_object,
    require_one_choice,
    wire_message,
    wire_stop,
    wire_usage,
)


class _Block:
    """One content block while its parts arrive; `texts` are text, thinking or arguments."""

    __slots__ = ("closed", "fields", "kind", "texts")

    def __init__(self, kind: str, fields: dict[str, Any]) -> None:
        self.kind = kind
        self.fields = fields
        self.texts: list[str] = []
        self.closed = False


class CompleteAnswer:
    """Collects the events of one answer; `end` returns the body.

    An untouched upstream body given to `relay` goes out as it came, with `provider` added.
    """

    content_type: bytes = b"application/json"

    def __init__(self, *, provider: str) -> None:
        self._provider: Final = provider
        self._raw: bytes | None = None
        self._start = Start("", "", 0)
        self._usage: UsageReport | None = None
        self._finish: Finish | None = None
        self._blocks: list[_Block] = []
        self._calls: dict[int, _Block] = {}
        self._refused = False
        self._ended = False

    def feed(self, events: Sequence[ChatEvent]) -> bytes:
        """Collect; nothing goes out before the answer is complete."""
        for event in events:
            if isinstance(event, Start):
                self._start = event
            elif isinstance(event, UsageReport):
                self._usage = event
            elif isinstance(event, End):
                self._ended = True
            elif isinstance(event, Finish):
                require_one_choice(event)
                self._finish = event
            elif not isinstance(event, LogprobsDelta):  # this format has none, nor can one ask for them
                require_one_choice(event)
                self._collect(event)
        return b""

    def relay(self, frame: Frame) -> bytes:
        """Keep an exact upstream body for `end`."""
        if not frame.raw.startswith(b"{"):
            return self.feed(frame.events)
        self._raw = frame.raw
        return b""

    def end(self) -> bytes:
        """The body; raises `UpstreamFailedError` for an answer that is not complete, or not Anthropic's to express."""
        if self._raw is not None:
            return b'{"provider":' + encode_json(self._provider) + b"," + self._raw[1:]
        if not self._ended:
            raise broken("ended before it was complete")
        cut = self._finish is not None and self._finish.reason == "length"
        content = [wire for block in self._blocks if (wire := _wire(block, cut=cut)) is not None]
        usage = wire_usage(self._usage.usage if self._usage is not None else None, self._start.service_tier)
        stop = wire_stop(self._finish, called=bool(self._calls), refused=self._refused)
        body = wire_message(self._start, content, stop, usage)
        return encode_json({"provider": self._provider, **body})

    def fail(self, error: GatewayError) -> bytes:
        """The error in place of the body: nothing of the answer has gone out."""
        return error_body(error)

    def _collect(
        self, event: TextDelta | ReasoningDelta | RefusalDelta | ToolCallStart | ToolCallDelta | AnnotationsDelta
    ) -> None:
        if isinstance(event, TextDelta | RefusalDelta):
            self._refused = self._refused or (isinstance(event, RefusalDelta) and bool(event.text))
            if event.text:
                self._latest("text").texts.append(event.text)
        elif isinstance(event, ToolCallStart):
            block = _Block("tool_use", {"id": event.id, "name": event.name})
            self._blocks.append(block)
            self._calls[event.index] = block
        elif isinstance(event, ToolCallDelta):
            call = self._calls.get(event.index)
            if call is None:
                raise broken("has arguments without their tool call")
            call.texts.append(event.arguments)
        elif isinstance(event, ReasoningDelta):
            self._collect_reasoning(event)
        else:
            found = citations(event)
            if found:
                self._latest("text").fields.setdefault("citations", []).extend(found)

    def _collect_reasoning(self, event: ReasoningDelta) -> None:
        if event.redacted is not None:
            self._blocks.append(_Block("redacted_thinking", {"data": event.redacted}))
        if event.text:
            self._latest("thinking").texts.append(event.text)
        if event.signature:
            block = self._latest("thinking")
            block.fields["signature"] = event.signature
            block.closed = True

    def _latest(self, kind: str) -> _Block:
        """The last block if it is of this kind and goes on, else a new one."""
        if self._blocks and self._blocks[-1].kind == kind and not self._blocks[-1].closed:
            return self._blocks[-1]
        self._blocks.append(_Block(kind, {}))
        return self._blocks[-1]


def _wire(block: _Block, *, cut: bool) -> dict[str, Any] | None:
    text = "".join(block.texts)
    if block.kind == "text":
        return {"type": "text", "text": text, **block.fields}
    if block.kind == "thinking":
        return {"type": "thinking", "thinking": text, "signature": block.fields.get("signature", "")}
    if block.kind == "tool_use":
        if is_object(text or "{}"):
            return {"type": "tool_use", **block.fields, "input": msgspec.Raw(text.encode() or b"{}")}
        if cut:  # the call was never finished, which `max_tokens` says: half an object is no input
            return None
        raise broken("has a tool call whose arguments are not a JSON object")
    return {"type": block.kind, **block.fields}
