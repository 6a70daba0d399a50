"""The streamed answer of `POST /v1/chat/completions`: canonical events to `chat.completion.chunk` events (SSE)."""

from collections.abc import Sequence
from typing import Any, Final

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
from kaigate.surfaces.openai_chat_parts import SERVICE_TIERS, Logprobs, encode_json, join_logprobs, wire_usage
from kaigate.surfaces.openai_error import error_body

_DELTA: Final = b'"choices":[{"index":0,"delta":{"content":'
_WITHOUT_CHOICE: Final = (Start, UsageReport, End)
_DELTA_END: Final = b'},"logprobs":null,"finish_reason":null}]}\n\n'


class StreamedAnswer:
    """Writes one answer as server-sent events.

    The role goes out once per choice, in its first delta; `provider` in the first and the last chunk; usage only if
    the client asked, in a chunk of its own; `[DONE]` only from `end`.
    """

    content_type: bytes = b"text/event-stream; charset=utf-8"

    def __init__(self, *, provider: str, include_usage: bool, choices: int = 1, legacy_functions: bool = False) -> None:
        self._provider: Final = b'"provider":' + encode_json(provider) + b","
        self._include_usage: Final = include_usage
        self._legacy: Final = legacy_functions
        self._unfinished = choices
        self._roles: set[int] = set()
        self._head = b'data: {"object":"chat.completion.chunk",'
        self._first = True
        self._usage: UsageReport | None = None
        self._usage_sent = False

    def feed(self, events: Sequence[ChatEvent]) -> bytes:
        """Chunks for these events; neighbours of one choice share a chunk."""
        if len(events) == 1:
            event = events[0]
            if type(event) is TextDelta and event.choice == 0 and 0 in self._roles and not self._first:
                return self._head + _DELTA + encode_json(event.text) + _DELTA_END
        out: list[bytes] = []
        choice, delta = -1, _Delta()
        for event in events:
            if isinstance(event, Start):
                self._begin(event)
            elif isinstance(event, UsageReport):
                self._usage = event
            elif not isinstance(event, End):
                if event.choice != choice or isinstance(event, Finish):
                    self._write(out, choice, delta)
                    choice, delta = event.choice, _Delta()
                if isinstance(event, Finish):
                    self._finish(out, event)
                else:
                    delta.add(event, legacy=self._legacy)
        self._write(out, choice, delta)
        return b"".join(out)

    def relay(self, frame: Frame) -> bytes:
        """The upstream's own bytes where they are what this stream needs, else the same events encoded anew."""
        events, raw = frame.events, frame.raw
        if self._legacy or not raw.startswith(b"{"):
            return self.feed(events)
        if len(events) == 1 and not self._first:
            event = events[0]
            if type(event) is TextDelta and event.choice in self._roles:
                return b"data: " + raw + b"\n\n"
        if any(isinstance(event, UsageReport) for event in events):
            return self._relay_usage(frame)
        if not self._has_roles(frame):
            return self.feed(events)
        last = False
        for event in events:
            if isinstance(event, Start):
                self._begin(event)
            elif isinstance(event, Finish):
                self._unfinished -= 1
                last = self._unfinished <= 0 and not self._include_usage
        return self._splice(frame, last=last)

    def end(self) -> bytes:
        """The usage chunk if the client asked for it and has not had it, then `[DONE]`."""
        if self._include_usage and not self._usage_sent and self._usage is not None:
            usage = encode_json(wire_usage(self._usage.usage))
            return self._head + self._provider + b'"choices":[],"usage":' + usage + b"}\n\ndata: [DONE]\n\n"
        return b"data: [DONE]\n\n"

    def fail(self, error: GatewayError) -> bytes:
        """The error as the stream's last event; no `[DONE]` follows."""
        return b"data: " + error_body(error) + b"\n\n"

    def _begin(self, start: Start) -> None:
        head: dict[str, Any] = {
            "id": start.id,
            "object": "chat.completion.chunk",
            "created": start.created,
            "model": start.model,
        }
        if start.system_fingerprint is not None:
            head["system_fingerprint"] = start.system_fingerprint
        if start.service_tier in SERVICE_TIERS:
            head["service_tier"] = start.service_tier
        self._head = b"data: " + encode_json(head)[:-1] + b","

    def _chunk(self, choice: int, delta: dict[str, Any], logprobs: Any, reason: str | None, *, last: bool) -> bytes:
        provider = self._provider if self._first or last else b""
        self._first = False
        body = [{"index": choice, "delta": delta, "logprobs": logprobs, "finish_reason": reason}]
        return self._head + provider + b'"choices":' + encode_json(body) + b"}\n\n"

    def _write(self, out: list[bytes], choice: int, delta: "_Delta") -> None:
        if delta.empty:
            return
        fields: dict[str, Any] = {}
        if choice not in self._roles:
            self._roles.add(choice)
            fields["role"] = "assistant"
        delta.write(fields)
        out.append(self._chunk(choice, fields, delta.logprobs, None, last=False))

    def _finish(self, out: list[bytes], event: Finish) -> None:
        fields: dict[str, Any] = {}
        if event.choice not in self._roles:  # an answer without any text
            self._roles.add(event.choice)
            fields = {"role": "assistant", "content": ""}
        self._unfinished -= 1
        reason = "function_call" if self._legacy and event.reason == "tool_calls" else event.reason
        last = self._unfinished <= 0 and not self._include_usage
        out.append(self._chunk(event.choice, fields, None, reason, last=last))

    def _has_roles(self, frame: Frame) -> bool:
        """Whether each choice of the frame has its role, or gets it from the frame itself."""
        if b'"role"' in frame.raw:  # inside a JSON string the quotes would be escaped
            self._roles.update(event.choice for event in frame.events if not isinstance(event, _WITHOUT_CHOICE))
            return True
        return all(isinstance(event, _WITHOUT_CHOICE) or event.choice in self._roles for event in frame.events)

    def _relay_usage(self, frame: Frame) -> bytes:
        if len(frame.events) > 1:
            return self.feed(frame.events)
        if not self._include_usage:
            return b""
        self._usage_sent = True
        return self._splice(frame, last=True)

    def _splice(self, frame: Frame, *, last: bool) -> bytes:
        if not self._first and not last:
            return b"data: " + frame.raw + b"\n\n"
        self._first = False
        return b"data: {" + self._provider + frame.raw[1:] + b"\n\n"


class _Delta:
    """The delta of one choice while neighbouring events are gathered."""

    def __init__(self) -> None:
        self.empty = True
        self.logprobs: Logprobs | None = None
        self._texts: dict[str, list[str]] = {}
        self._calls: dict[int, dict[str, Any]] = {}
        self._annotations: list[dict[str, Any]] = []
        self._legacy: dict[str, str] = {}

    def add(
        self,
        event: TextDelta
        | ReasoningDelta
        | RefusalDelta
        | ToolCallStart
        | ToolCallDelta
        | LogprobsDelta
        | AnnotationsDelta,
        *,
        legacy: bool,
    ) -> None:
        """Merge one event in."""
        self.empty = False
        if isinstance(event, TextDelta):
            self._texts.setdefault("content", []).append(event.text)
        elif isinstance(event, ReasoningDelta):
            self._texts.setdefault("reasoning_content", []).append(event.text)
        elif isinstance(event, RefusalDelta):
            self._texts.setdefault("refusal", []).append(event.text)
        elif isinstance(event, LogprobsDelta):
            self.logprobs = join_logprobs(self.logprobs, event)
        elif isinstance(event, AnnotationsDelta):
            self._annotations.extend(event.annotations)
        elif legacy:
            self._add_function_call(event)
        else:
            self._add_tool_call(event)

    def write(self, fields: dict[str, Any]) -> None:
        """Put the gathered fields into a wire delta."""
        for name, texts in self._texts.items():
            fields[name] = "".join(texts)
        if self._calls:
            fields["tool_calls"] = list(self._calls.values())
        if self._annotations:
            fields["annotations"] = self._annotations
        if self._legacy:
            fields["function_call"] = self._legacy

    def _add_tool_call(self, event: ToolCallStart | ToolCallDelta) -> None:
        if isinstance(event, ToolCallStart):
            function = {"name": event.name, "arguments": ""}
            self._calls[event.index] = {"index": event.index, "id": event.id, "type": "function", "function": function}
            return
        call = self._calls.setdefault(event.index, {"index": event.index, "function": {"arguments": ""}})
        call["function"]["arguments"] += event.arguments

    def _add_function_call(self, event: ToolCallStart | ToolCallDelta) -> None:
        if event.index:  # the deprecated form knows one call
            return
        if isinstance(event, ToolCallStart):
            self._legacy = {"name": event.name, "arguments": ""}
        else:
            self._legacy["arguments"] = self._legacy.get("arguments", "") + event.arguments
