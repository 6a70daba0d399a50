"""The streamed answer of Ollama's chat and generate API: canonical events to one JSON object per line (NDJSON)."""

from collections.abc import Sequence
from typing import Any, Final

from kaigate.chat.events import (
    ChatEvent,
    End,
    Finish,
    FinishReason,
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
from kaigate.chat.usage import Usage
from kaigate.errors import GatewayError
from kaigate.surfaces.ollama_error import error_body
from kaigate.surfaces.ollama_parts import (
    Form,
    ToolCalls,
    body,
    created_at,
    encode_json,
    ending,
    one_line,
    require_one_choice,
    with_provider,
)

_OPEN: Final[dict[Form, bytes]] = {
    "chat": b'"message":{"role":"assistant","content":',
    "generate": b'"response":',
}
_CLOSE: Final[dict[Form, bytes]] = {"chat": b'},"done":false}\n', "generate": b',"done":false}\n'}


class StreamedAnswer:
    """Writes one answer line by line.

    Tool calls go out whole, in one line, when the turn has ended; `provider` in the first and the last line;
    `done: true` only from `end`. Refusals are text; citations and signatures have no place in Ollama's form.
    """

    content_type: bytes = b"application/x-ndjson"

    def __init__(self, form: Form, *, provider: str) -> None:
        self._form: Final[Form] = form
        self._provider: Final = b'"provider":' + encode_json(provider) + b","
        self._open: Final = _OPEN[form]
        self._close: Final = _CLOSE[form]
        self._head = b"{"
        self._first = True
        self._calls = ToolCalls()
        self._reason: FinishReason = "stop"
        self._usage: Usage | None = None
        self._last: bytes | None = None

    def feed(self, events: Sequence[ChatEvent]) -> bytes:
        """Lines for these events; text and reasoning that arrive together share one."""
        if len(events) == 1 and not self._first:
            event = events[0]
            if type(event) is TextDelta and not event.choice:
                return one_line(self._head + self._open + encode_json(event.text) + self._close)
        out: list[bytes] = []
        pending = _Pending()
        for event in events:
            require_one_choice(event)
            if isinstance(event, TextDelta | RefusalDelta):
                pending.text += event.text
            elif isinstance(event, ReasoningDelta):
                if pending.text:  # a line's thinking is read before its text
                    self._write(out, pending)
                pending.thinking += event.text
            elif isinstance(event, LogprobsDelta):
                pending.logprobs.extend(event.content or ())
            else:
                self._note(event)
                if isinstance(event, Finish):
                    pending.calls = self._calls.take(cut=event.reason == "length")
        self._write(out, pending)
        return b"".join(out)

    def relay(self, frame: Frame) -> bytes:
        """The upstream's own line; the last one, which says that the answer is complete, waits for `end`."""
        if len(frame.events) == 1 and not self._first and type(frame.events[0]) is TextDelta:
            return one_line(frame.raw) + b"\n"
        out: list[bytes] = []
        terminal = False
        for event in frame.events:
            self._note(event)
            if isinstance(event, Finish):
                pending = _Pending()
                pending.calls = self._calls.take(cut=event.reason == "length")
                self._write(out, pending)
            elif isinstance(event, End):
                terminal = True
        if terminal:
            self._last = frame.raw
            return b"".join(out)
        out.append(one_line(self._named(frame.raw) if self._first else frame.raw))
        self._first = False
        out.append(b"\n")
        return b"".join(out)

    def end(self) -> bytes:
        """The last line: the upstream's own where it may be relayed."""
        if self._last is not None:
            return one_line(self._named(self._last)) + b"\n"
        last = {**body(self._form, "", ""), **ending(self._reason, self._usage)}
        return one_line(self._head + self._provider + encode_json(last)[1:]) + b"\n"

    def fail(self, error: GatewayError) -> bytes:
        """The error as the stream's last line; nothing says that the answer is complete."""
        return one_line(error_body(error)) + b"\n"

    def _note(self, event: ChatEvent) -> None:
        if isinstance(event, ToolCallStart):
            self._calls.start(event.index, event.id, event.name)
        elif isinstance(event, ToolCallDelta):
            self._calls.extend(event.index, event.arguments)
        elif isinstance(event, Start):
            head = {"model": event.model, "created_at": created_at(event.created)}
            self._head = encode_json(head)[:-1] + b","
        elif isinstance(event, Finish):
            self._reason = event.reason
        elif isinstance(event, UsageReport):
            self._usage = event.usage

    def _write(self, out: list[bytes], pending: "_Pending") -> None:
        if pending.empty:
            return
        fields = body(self._form, pending.text, pending.thinking, pending.calls, pending.logprobs)
        provider = self._provider if self._first else b""
        self._first = False
        out.append(one_line(self._head + provider + encode_json(fields)[1:-1] + b',"done":false}\n'))
        pending.clear()

    def _named(self, raw: bytes) -> bytes:
        return with_provider(self._provider, raw)


class _Pending:
    """What the next line will hold."""

    __slots__ = ("calls", "logprobs", "text", "thinking")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.text = ""
        self.thinking = ""
        self.calls: list[dict[str, Any]] = []
        self.logprobs: list[dict[str, Any]] = []

    @property
    def empty(self) -> bool:
        return not (self.text or self.thinking or self.calls or self.logprobs)
