"""Canonical events of Anthropic's messages: one builder that remembers what the answer has said so far."""

from collections.abc import Mapping
from typing import Final

import msgspec

from kaigate.chat.events import (
    AnnotationsDelta,
    ChatEvent,
    End,
    Finish,
    FinishReason,
    ReasoningDelta,
    RefusalDelta,
    Start,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from kaigate.errors import UpstreamFailedError
from kaigate.providers.anthropic_citations import annotation
from kaigate.providers.anthropic_usage import UsageSoFar
from kaigate.providers.anthropic_wire import (
    BlockDelta,
    BlockStart,
    BlockStop,
    CitationFragment,
    InputFragment,
    MessageDelta,
    MessageStart,
    Ping,
    ServerBlock,
    SignatureFragment,
    TextFragment,
    ThinkingFragment,
    WireBlock,
    WireEvent,
    WireMessage,
    WireRedactedThinking,
    WireStop,
    WireText,
    WireThinking,
    WireToolUse,
)

MAX_BLOCKS: Final = 4096
MAX_TOOL_CALLS: Final = 1024

_FINISH: Final[Mapping[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    # A long turn of the provider's own tools, cut by the provider: like any other answer that is not complete.
    "pause_turn": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_END: Final = End()

_TEXT: Final = 0
_THINKING: Final = 1
_REDACTED: Final = 2
_TOOL: Final = 3
_JSON: Final = 4
_SERVER: Final = 5


class _Block(msgspec.Struct, gc=False):
    """One block that has begun; `offset` is where its text begins, `call` counts tool calls only."""

    kind: int
    call: int = 0
    offset: int = 0
    told: bool = False
    open: bool = True


class MessageEvents:
    """Turns one answer's wire events into canonical ones.

    Blocks are known by their index, because they may interleave. `json_tool` is the name of the tool through which the
    model was made to answer in JSON: its arguments are the answer's text. Blocks of the provider's own tools are
    refused unless the request had such tools (`hosted`); they give no events, so nothing behind them is exact.
    """

    __slots__ = (
        "_blocks",
        "_calls",
        "_exact",
        "_finish",
        "_hosted",
        "_json_tool",
        "_length",
        "_reported",
        "_started",
        "_unwrapped",
        "_usage",
        "created",
        "done",
    )

    def __init__(self, *, created: int, hosted: bool = False, json_tool: str | None = None) -> None:
        self.created = created
        self.done = False
        self._hosted = hosted
        self._json_tool = json_tool
        self._blocks: dict[int, _Block] = {}
        self._calls = 0
        self._exact = not hosted
        self._finish: Finish | None = None
        self._length = 0
        self._reported: UsageReport | None = None
        self._started = False
        self._unwrapped = False
        self._usage = UsageSoFar()

    def complete(self, message: WireMessage) -> tuple[list[ChatEvent], bool]:
        """Events of a whole answer, and whether they represent all of it."""
        events: list[ChatEvent] = []
        exact = self._start(events, message)
        for index, block in enumerate(message.content):
            exact = self._begin_block(events, index, block, whole=True) and exact
            self._stop_block(events, index)
        exact = self._stop(events, WireStop(message.stop_reason, message.stop_sequence, message.stop_details)) and exact
        if not self._report(events):
            exact = False
        self._end(events)
        return events, exact and self._exact

    def feed(self, event: WireEvent) -> tuple[list[ChatEvent], bool]:
        """Events of one wire event, and whether they represent all of it."""
        if type(event) is BlockDelta:
            return self._delta(event), self._exact
        events: list[ChatEvent] = []
        if type(event) is Ping:
            return events, self._exact
        exact = True
        if type(event) is BlockStart:
            exact = self._begin_block(events, event.index, event.content_block, whole=False)
        elif type(event) is BlockStop:
            self._stop_block(events, event.index)
        elif type(event) is MessageStart:
            if event.message.content:
                raise _broken("begins with content")
            exact = self._start(events, event.message)
        elif type(event) is MessageDelta:
            exact = self._message_delta(events, event)
        else:
            self._end(events)
        return events, exact and self._exact

    def _start(self, events: list[ChatEvent], message: WireMessage) -> bool:
        if self._started:
            raise _broken("begins twice")
        self._started = True
        self._usage.take(message.usage)
        events.append(Start(message.id, message.model, self.created, service_tier=message.usage.service_tier))
        return bool(message.id)

    def _delta(self, event: BlockDelta) -> list[ChatEvent]:
        block = self._blocks.get(event.index)
        if block is None or not block.open:
            raise _broken("has a fragment without its block")
        delta, kind = event.delta, block.kind
        if type(delta) is TextFragment and kind == _TEXT:
            text = delta.text
            self._length += len(text)
            return [TextDelta(text)] if text else []
        if type(delta) is InputFragment:
            return self._input(block, delta.partial_json)
        if type(delta) is ThinkingFragment and kind == _THINKING:
            return [ReasoningDelta(delta.thinking)] if delta.thinking else []
        if type(delta) is SignatureFragment and kind == _THINKING:
            return [ReasoningDelta("", signature=delta.signature)] if delta.signature else []
        if type(delta) is CitationFragment and kind == _TEXT:
            return [AnnotationsDelta([annotation(delta.citation, block.offset, self._length)])]
        raise _broken("has a fragment of another kind than its block")

    def _input(self, block: _Block, text: str) -> list[ChatEvent]:
        if block.kind == _SERVER or (not text and block.kind in (_TOOL, _JSON)):
            return []
        if block.kind == _TOOL:
            block.told = True
            return [ToolCallDelta(block.call, text)]
        if block.kind == _JSON:
            block.told = True
            return [TextDelta(text)]
        raise _broken("has a fragment of another kind than its block")

    def _begin_block(self, events: list[ChatEvent], index: int, block: WireBlock, *, whole: bool) -> bool:
        if not self._started or self._finish is not None:
            raise _broken("has a block outside of its message")
        if index in self._blocks or len(self._blocks) >= MAX_BLOCKS:
            raise _broken("has too many blocks, or one twice")
        if isinstance(block, WireText):
            self._begin_text(events, index, block)
        elif isinstance(block, WireToolUse):
            return self._begin_call(events, index, block) or whole
        elif isinstance(block, WireThinking):
            self._blocks[index] = _Block(_THINKING)
            if block.thinking or block.signature:
                events.append(ReasoningDelta(block.thinking, signature=block.signature or None))
        elif isinstance(block, WireRedactedThinking):
            self._blocks[index] = _Block(_REDACTED)
            events.append(ReasoningDelta("", redacted=block.data))
        elif isinstance(block, ServerBlock):
            if not self._hosted:
                raise _broken("has a step of a tool that nobody asked for")
            self._blocks[index] = _Block(_SERVER)
        return True

    def _begin_text(self, events: list[ChatEvent], index: int, block: WireText) -> None:
        if self._unwrapped:
            raise _broken("has text beside the JSON that was asked for")
        self._blocks[index] = _Block(_TEXT, offset=self._length)
        if block.text:
            events.append(TextDelta(block.text))
        start, self._length = self._length, self._length + len(block.text)
        if block.citations:
            events.append(AnnotationsDelta([annotation(item, start, self._length) for item in block.citations]))

    def _begin_call(self, events: list[ChatEvent], index: int, block: WireToolUse) -> bool:
        """Whether the call begins as Anthropic's streams do: without its arguments."""
        if not block.id or not block.name:
            raise _broken("has a tool call without an id or a name")
        arguments = bytes(block.input).decode()
        if not arguments.startswith("{"):
            raise _broken("has a tool call whose input is not an object")
        if block.name == self._json_tool:
            return self._begin_json(events, index, arguments)
        if self._calls >= MAX_TOOL_CALLS:
            raise _broken("has too many tool calls")
        opened = self._blocks[index] = _Block(_TOOL, call=self._calls)
        self._calls += 1
        events.append(ToolCallStart(opened.call, block.id, block.name))
        if arguments == "{}":
            return True
        opened.told = True
        events.append(ToolCallDelta(opened.call, arguments))
        return False

    def _begin_json(self, events: list[ChatEvent], index: int, arguments: str) -> bool:
        if self._unwrapped or self._length:
            raise _broken("has text beside the JSON that was asked for")
        self._unwrapped, self._exact = True, False
        self._blocks[index] = _Block(_JSON, told=arguments != "{}")
        if arguments != "{}":
            events.append(TextDelta(arguments))
        return False

    def _stop_block(self, events: list[ChatEvent], index: int) -> None:
        block = self._blocks.get(index)
        if block is None or not block.open:
            raise _broken("ends a block that is not open")
        block.open = False
        if block.told:
            return
        # No arguments are streamed for a tool that takes none.
        if block.kind == _TOOL:
            events.append(ToolCallDelta(block.call, "{}"))
        elif block.kind == _JSON:
            events.append(TextDelta("{}"))

    def _message_delta(self, events: list[ChatEvent], event: MessageDelta) -> bool:
        if not self._started:
            raise _broken("ends before it begins")
        if event.usage is not None:
            self._usage.take(event.usage)
        if event.delta.stop_reason is None:
            return False
        exact = self._stop(events, event.delta)
        return self._report(events) and exact

    def _stop(self, events: list[ChatEvent], stop: WireStop) -> bool:
        if self._finish is not None:
            raise _broken("ends twice")
        reason = _FINISH.get(stop.stop_reason or "")
        if reason is None:
            raise _broken("ends for a reason that is not known")
        for index, block in self._blocks.items():
            if block.open:
                self._stop_block(events, index)
        if reason == "tool_calls" and self._unwrapped and not self._calls:
            reason = "stop"
        if stop.stop_details is not None and stop.stop_details.explanation:
            events.append(RefusalDelta(stop.stop_details.explanation))
        self._finish = Finish(reason, stop_sequence=stop.stop_sequence)
        events.append(self._finish)
        return stop.stop_reason != "pause_turn"

    def _report(self, events: list[ChatEvent]) -> bool:
        usage = self._usage.usage()
        if usage is None:
            return False
        self._reported = UsageReport(usage)
        events.append(self._reported)
        return True

    def _end(self, events: list[ChatEvent]) -> None:
        if self._finish is None:
            raise _broken("ended without a stop reason")
        self.done = True
        events.append(_END)


def _broken(how: str) -> UpstreamFailedError:
    return UpstreamFailedError("upstream_error", f"The model server's answer {how}.")
