"""The streamed answer of `POST /v1/messages`: canonical events to Anthropic's server-sent events.

Source: Anthropic API reference, "Streaming messages".
"""

from collections.abc import Sequence
from typing import Final

from kaigate.chat.events import (
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
from kaigate.surfaces.anthropic_blocks import DELTA, DELTA_END, TEXT, THINKING, TOOL, BlockWriter, Content, write_event
from kaigate.surfaces.anthropic_error import error_body
from kaigate.surfaces.anthropic_parts import (
    MAX_HELD,
    broken,
    encode_json,
    require_one_choice,
    wire_message,
    wire_stop,
    wire_usage,
)

_PING: Final = b'event: ping\ndata: {"type":"ping"}\n\n'
_PINGS: Final = (b'{"type":"ping"', b'{"type": "ping"')
_BLOCK_START: Final = b'{"type":"content_block_start"'
_BLOCKS: Final = {TEXT: b'"content_block":{"type":"text"', THINKING: b'"content_block":{"type":"thinking"'}


class StreamedAnswer:
    """Writes one answer as Anthropic's events.

    While a tool call's arguments are incomplete, content of other blocks waits for them (at most `MAX_HELD`
    characters), because a block that has ended can't go on. `provider` rides in `message_start` and `message_stop`;
    the latter comes only from `end`.
    """

    content_type: bytes = b"text/event-stream; charset=utf-8"

    __slots__ = (
        "_blocks",
        "_calls",
        "_ended",
        "_finish",
        "_held",
        "_held_size",
        "_provider",
        "_started",
        "_stop_sent",
        "_usage",
    )

    def __init__(self, *, provider: str) -> None:
        self._provider: Final = b'"provider":' + encode_json(provider)
        self._blocks: Final = BlockWriter()
        self._started = False
        self._calls: set[int] = set()
        self._held: list[Content] = []
        self._held_size = 0
        self._usage: Usage | None = None
        self._finish: Finish | None = None
        self._stop_sent = False
        self._ended = False

    def feed(self, events: Sequence[ChatEvent]) -> bytes:
        """Events of the stream for these; b"" where they say nothing yet."""
        if len(events) == 1:
            event = events[0]
            blocks = self._blocks
            if type(event) is TextDelta and blocks.kind == TEXT and event.text and not event.choice:
                return blocks.head + encode_json(event.text) + DELTA_END
            if type(event) is ToolCallDelta and blocks.kind == TOOL and event.index == blocks.tool and event.arguments:
                return blocks.arguments(event.arguments)
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
            if len(events) == 1 and self._blocks.kind == TEXT and raw.startswith(self._blocks.raw_head):
                return DELTA + raw + b"\n\n"
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
        if not self._stop_sent:
            self._begin(out)
            self._release(out, cut=False)
            stop = wire_stop(self._finish, called=self._blocks.called, refused=self._blocks.refused)
            write_event(out, "message_delta", {"delta": stop, "usage": wire_usage(self._usage)})
        out.append(b'event: message_stop\ndata: {"type":"message_stop",' + self._provider + b"}\n\n")
        return b"".join(out)

    def fail(self, error: GatewayError) -> bytes:
        """The error as the stream's last event, after all content that came before it; no `message_stop` follows."""
        out: list[bytes] = []
        if not self._stop_sent:
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
            if self._stop_sent:
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

    def _content(self, out: list[bytes], event: Content) -> None:
        blocks = self._blocks
        if isinstance(event, ToolCallStart):
            if event.index in self._calls:
                raise broken("has one tool call twice")
            self._calls.add(event.index)
        elif isinstance(event, ToolCallDelta):
            if event.index not in self._calls:
                raise broken("has arguments without their tool call")
            if blocks.has_ended(event.index):
                if event.arguments.isspace():
                    return
                raise broken("goes on with a tool call after its end")
            if event.index == blocks.tool:
                blocks.write(out, event)
                return
        if self._held or blocks.unfinished:
            self._hold(event)
        else:
            blocks.write(out, event)

    def _hold(self, event: Content) -> None:
        self._held.append(event)
        self._held_size += 1
        if isinstance(event, TextDelta | RefusalDelta | ReasoningDelta):
            self._held_size += len(event.text)
        elif isinstance(event, ToolCallDelta):
            self._held_size += len(event.arguments)
        if self._held_size > MAX_HELD:
            raise broken("mixes tool calls with too much else")

    def _release(self, out: list[bytes], *, cut: bool) -> None:
        """End the open block and write what waited, block by block; `cut` admits arguments that are incomplete."""
        blocks = self._blocks
        blocks.end(out, cut=cut)
        held, self._held, self._held_size = self._held, [], 0
        groups: dict[int | str, list[Content]] = {}
        for event in held:
            groups.setdefault(_group(event), []).append(event)
        for group in groups.values():
            for event in group:
                blocks.write(out, event)
            blocks.end(out, cut=cut)

    def _boundary(self, raw: bytes) -> bytes:
        """What frames without events say: that the upstream is there, or that another block begins."""
        if raw.startswith(_PINGS):
            return _PING if self._started else b""
        same = _BLOCKS.get(self._blocks.kind)
        if same is None or not raw.startswith(_BLOCK_START) or raw.find(same) < 0:
            # A block ends only when something else begins: text that a stage still holds back belongs to it. A block of
            # another kind begins with its own first event, behind that text.
            return b""
        out: list[bytes] = []
        self._blocks.end_text(out)
        return b"".join(out)

    def _relay_stop(self, frame: Frame) -> bytes:
        out: list[bytes] = []
        for event in frame.events:
            if isinstance(event, Finish):
                self._finish = event
                self._release(out, cut=event.reason == "length")
        self._stop_sent = True
        out.append(b"event: message_delta\ndata: " + frame.raw + b"\n\n")
        return b"".join(out)


def _group(event: Content) -> int | str:
    """What belongs together where blocks are sorted out: a tool call, the reasoning, the text."""
    if isinstance(event, ToolCallStart | ToolCallDelta):
        return event.index
    return "thinking" if isinstance(event, ReasoningDelta) else "text"


def _is_empty(event: Content) -> bool:
    """Whether it says nothing: an empty block would be refused when the client replays it."""
    if isinstance(event, TextDelta | RefusalDelta):
        return not event.text
    if isinstance(event, ToolCallDelta):
        return not event.arguments
    return isinstance(event, ReasoningDelta) and not (event.text or event.signature or event.redacted)
