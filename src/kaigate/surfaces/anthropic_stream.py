"""The streamed answer of `POST /v1/messages`: canonical events to Anthropic's server-sent events.

Source: Anthropic API reference, "Streaming messages".
"""

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
from kaigate.chat.usage import Usage
from kaigate.errors import GatewayError
from kaigate.surfaces.anthropic_error import error_body
from kaigate.surfaces.anthropic_parts import (
    MAX_HELD,
    broken,
    citations,
    encode_json,
    is_object,
    require_one_choice,
    wire_message,
    wire_stop,
    wire_usage,
)

_NONE: Final = 0
_TEXT: Final = 1
_THINKING: Final = 2
_TOOL: Final = 3

_DELTA: Final = b"event: content_block_delta\ndata: "
_DELTA_END: Final = b"}}\n\n"
_PING: Final = b'event: ping\ndata: {"type":"ping"}\n\n'
_BLOCK_START: Final = b'{"type":"content_block_start"'
_PINGS: Final = (b'{"type":"ping"', b'{"type": "ping"')

_Content = TextDelta | ReasoningDelta | RefusalDelta | ToolCallStart | ToolCallDelta | AnnotationsDelta


class StreamedAnswer:
    """Writes one answer as Anthropic's events.

    Blocks follow one another: a new one begins when the kind of content changes. While a tool call's arguments are
    incomplete, content of other blocks waits for them (at most `MAX_HELD` characters), because a block that has ended
    can't go on. `provider` rides in `message_start` and `message_stop`; the latter comes only from `end`.
    """

    content_type: bytes = b"text/event-stream; charset=utf-8"

    __slots__ = (
        "_arguments",
        "_called",
        "_calls",
        "_delta_sent",
        "_ended",
        "_finish",
        "_head",
        "_held",
        "_held_size",
        "_index",
        "_kind",
        "_provider",
        "_raw_head",
        "_refused",
        "_started",
        "_tool",
        "_usage",
    )

    def __init__(self, *, provider: str) -> None:
        self._provider: Final = b'"provider":' + encode_json(provider)
        self._started = False
        self._kind = _NONE
        self._index = -1
        self._head = b""
        self._raw_head = b""
        self._tool = -1
        self._arguments: list[str] = []
        # Tool calls that began, by index: whether their block has ended.
        self._calls: dict[int, bool] = {}
        self._held: list[_Content] = []
        self._held_size = 0
        self._called = False
        self._refused = False
        self._usage: Usage | None = None
        self._finish: Finish | None = None
        self._delta_sent = False
        self._ended = False

    def feed(self, events: Sequence[ChatEvent]) -> bytes:
        """Events of the stream for these; b"" where they say nothing yet."""
        if len(events) == 1:
            event = events[0]
            if type(event) is TextDelta and self._kind == _TEXT and event.text and not event.choice:
                return self._head + encode_json(event.text) + _DELTA_END
            if type(event) is ToolCallDelta and self._kind == _TOOL and event.index == self._tool and event.arguments:
                self._arguments.append(event.arguments)
                return self._head + encode_json(event.arguments) + _DELTA_END
        out: list[bytes] = []
        for event in events:
            if isinstance(event, UsageReport):
                self._usage = event.usage
        for event in events:
            self._take(out, event)
        return b"".join(out)

    def relay(self, frame: Frame) -> bytes:
        """The upstream's own bytes where they are what this stream needs, else the same events encoded anew.

        The indexes here are this stream's own: a relayed fragment has to name the block that is open.
        """
        events, raw = frame.events, frame.raw
        if not events:
            return self._boundary(raw)
        first = type(events[0])
        if first is TextDelta:
            if len(events) == 1 and self._kind == _TEXT and raw.startswith(self._raw_head):
                return _DELTA + raw + b"\n\n"
        elif first is Start:
            if len(events) == 1 and not self._started and raw.startswith(b"{"):
                self._started = True
                return b"event: message_start\ndata: {" + self._provider + b"," + raw[1:] + b"\n\n"
        elif self._started and any(type(event) is Finish for event in events):
            return self._relay_stop(frame)
        return self.feed(events)

    def end(self) -> bytes:
        """`message_delta` if it has not gone out, then `message_stop`; raises where the upstream never said so."""
        if not self._ended:
            raise broken("ended before it was complete")
        out: list[bytes] = []
        if not self._delta_sent:
            self._begin(out)
            self._release(out, cut=False)
            stop = wire_stop(self._finish, called=self._called, refused=self._refused)
            _write(out, "message_delta", {"delta": stop, "usage": wire_usage(self._usage)})
        out.append(b'event: message_stop\ndata: {"type":"message_stop",' + self._provider + b"}\n\n")
        return b"".join(out)

    def fail(self, error: GatewayError) -> bytes:
        """The error as the stream's last event, after all content that came before it; no `message_stop` follows."""
        out: list[bytes] = []
        if self._started and not self._delta_sent:
            self._release(out, cut=True)
        out.append(b"event: error\ndata: " + error_body(error) + b"\n\n")
        return b"".join(out)

    def _take(self, out: list[bytes], event: ChatEvent) -> None:
        if isinstance(event, UsageReport | LogprobsDelta):  # this format has no log probabilities, nor can one ask
            return
        if isinstance(event, Start):
            self._begin(out, event)
        elif isinstance(event, End):
            self._ended = True
        elif isinstance(event, Finish):
            require_one_choice(event)
            self._begin(out)
            self._finish = event
            self._release(out, cut=event.reason == "length")
        elif not _is_empty(event):
            require_one_choice(event)
            if self._delta_sent:
                raise broken("goes on after its end")
            self._begin(out)
            self._content(out, event)

    def _begin(self, out: list[bytes], start: Start | None = None) -> None:
        if self._started:
            return
        self._started = True
        start = start or Start("", "", 0)
        stop = {"stop_reason": None, "stop_sequence": None}
        body = encode_json(wire_message(start, [], stop, wire_usage(self._usage, start.service_tier)))
        out.append(
            b'event: message_start\ndata: {"type":"message_start",' + self._provider + b',"message":' + body + b"}\n\n"
        )

    def _content(self, out: list[bytes], event: _Content) -> None:
        if type(event) is ToolCallDelta:
            ended = self._calls.get(event.index)
            if ended is None:
                raise broken("has arguments without their tool call")
            if ended:
                if not event.arguments.isspace():
                    raise broken("goes on with a tool call after its end")
                return
            if event.index == self._tool and self._kind == _TOOL:
                self._write_content(out, event)
                return
        elif type(event) is ToolCallStart:
            if event.index in self._calls:
                raise broken("has one tool call twice")
            self._calls[event.index] = False
        if self._held or (self._kind == _TOOL and not is_object("".join(self._arguments))):
            self._hold(event)
        else:
            self._write_content(out, event)

    def _hold(self, event: _Content) -> None:
        self._held.append(event)
        if isinstance(event, TextDelta | RefusalDelta | ReasoningDelta):
            self._held_size += len(event.text)
        elif isinstance(event, ToolCallDelta):
            self._held_size += len(event.arguments)
        self._held_size += 1
        if self._held_size > MAX_HELD:
            raise broken("mixes tool calls with too much else")

    def _release(self, out: list[bytes], *, cut: bool) -> None:
        """End the open block and write what waited, block by block; `cut` admits arguments that are incomplete."""
        self._end_block(out, cut=cut)
        held, self._held, self._held_size = self._held, [], 0
        groups: dict[Any, list[_Content]] = {}
        for event in held:
            key = event.index if isinstance(event, ToolCallStart | ToolCallDelta) else type(event)
            groups.setdefault(key, []).append(event)
        for group in groups.values():
            for event in group:
                self._write_content(out, event)
            self._end_block(out, cut=cut)

    def _write_content(self, out: list[bytes], event: _Content) -> None:
        if isinstance(event, TextDelta | RefusalDelta):
            self._refused = self._refused or isinstance(event, RefusalDelta)
            self._open(out, _TEXT)
            out.append(self._head + encode_json(event.text) + _DELTA_END)
        elif isinstance(event, ToolCallDelta):
            self._arguments.append(event.arguments)
            out.append(self._head + encode_json(event.arguments) + _DELTA_END)
        elif isinstance(event, ToolCallStart):
            self._called = True
            self._stop(out)
            self._tool, self._arguments = event.index, []
            self._start_block(out, _TOOL, {"type": "tool_use", "id": event.id, "name": event.name, "input": {}})
        elif isinstance(event, ReasoningDelta):
            self._write_reasoning(out, event)
        else:
            found = citations(event)
            if found:
                self._open(out, _TEXT)
            for citation in found:
                self._fragment(out, {"type": "citations_delta", "citation": citation})

    def _write_reasoning(self, out: list[bytes], event: ReasoningDelta) -> None:
        if event.redacted is not None:
            self._stop(out)
            self._start_block(out, _NONE, {"type": "redacted_thinking", "data": event.redacted})
            self._write_stop(out)
        if event.text or event.signature:
            self._open(out, _THINKING)
        if event.text:
            out.append(self._head + encode_json(event.text) + _DELTA_END)
        if event.signature:
            self._fragment(out, {"type": "signature_delta", "signature": event.signature})
            self._stop(out)

    def _open(self, out: list[bytes], kind: int) -> None:
        if self._kind == kind:
            return
        self._stop(out)
        if kind == _TEXT:
            self._start_block(out, kind, {"type": "text", "text": ""})
        else:
            self._start_block(out, kind, {"type": "thinking", "thinking": "", "signature": ""})

    def _start_block(self, out: list[bytes], kind: int, block: dict[str, Any]) -> None:
        self._index += 1
        self._kind = kind
        _write(out, "content_block_start", {"index": self._index, "content_block": block})
        self._raw_head = b'{"type":"content_block_delta","index":%d,"delta":{"type":"text_delta",' % self._index
        delta = {_TEXT: b'text_delta","text":', _THINKING: b'thinking_delta","thinking":'}
        self._head = (
            _DELTA
            + b'{"type":"content_block_delta","index":%d,"delta":{"type":"' % self._index
            + delta.get(kind, b'input_json_delta","partial_json":')
        )

    def _fragment(self, out: list[bytes], delta: dict[str, Any]) -> None:
        _write(out, "content_block_delta", {"index": self._index, "delta": delta})

    def _end_block(self, out: list[bytes], *, cut: bool) -> None:
        if self._kind == _TOOL and not cut and self._arguments and not is_object("".join(self._arguments)):
            raise broken("has a tool call whose arguments are not a JSON object")
        self._stop(out)

    def _stop(self, out: list[bytes]) -> None:
        if self._kind == _NONE:
            return
        if self._kind == _TOOL:
            self._calls[self._tool] = True
        self._kind = _NONE
        self._write_stop(out)

    def _write_stop(self, out: list[bytes]) -> None:
        out.append(b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n' % self._index)

    def _boundary(self, raw: bytes) -> bytes:
        """What frames without events say: that the upstream is there, or that another block begins."""
        if raw.startswith(_PINGS):
            return _PING if self._started else b""
        # A block ends only when something else begins: text that a stage still holds back belongs to it.
        if raw.startswith(_BLOCK_START) and self._kind in (_TEXT, _THINKING):
            out: list[bytes] = []
            self._stop(out)
            return b"".join(out)
        return b""

    def _relay_stop(self, frame: Frame) -> bytes:
        out: list[bytes] = []
        for event in frame.events:
            if isinstance(event, Finish):
                self._finish = event
                self._release(out, cut=event.reason == "length")
        self._delta_sent = True
        out.append(b"event: message_delta\ndata: " + frame.raw + b"\n\n")
        return b"".join(out)


def _is_empty(event: _Content) -> bool:
    """Whether it says nothing: an empty block would be refused when the client replays it."""
    if isinstance(event, TextDelta | RefusalDelta):
        return not event.text
    if isinstance(event, ToolCallDelta):
        return not event.arguments
    return isinstance(event, ReasoningDelta) and not (event.text or event.signature or event.redacted)


def _write(out: list[bytes], kind: str, fields: dict[str, Any]) -> None:
    out.append(b"event: " + kind.encode() + b"\ndata: " + encode_json({"type": kind, **fields}) + b"\n\n")
