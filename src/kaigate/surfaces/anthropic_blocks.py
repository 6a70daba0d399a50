"""Content blocks of a streamed message: one after another, numbered from 0.

Source: Anthropic API reference, "Streaming messages".
"""

from typing import Any, Final

from kaigate.chat.events import (
    AnnotationsDelta,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
)
from kaigate.surfaces.anthropic_parts import broken, citations, encode_json, is_object

Content = TextDelta | ReasoningDelta | RefusalDelta | ToolCallStart | ToolCallDelta | AnnotationsDelta

NONE: Final = 0
TEXT: Final = 1
THINKING: Final = 2
TOOL: Final = 3

DELTA: Final = b"event: content_block_delta\ndata: "
DELTA_END: Final = b"}}\n\n"

_DELTAS: Final = {
    TEXT: b'text_delta","text":',
    THINKING: b'thinking_delta","thinking":',
    TOOL: b'input_json_delta","partial_json":',
}


class BlockWriter:
    """Writes content; a new block begins when its kind changes, and a block that has ended never goes on.

    `head` begins a fragment of the open block, up to its JSON text; `raw_head` is how the upstream would begin a
    fragment of text for it. `kind` and `tool` are the open block's kind and the index of its tool call.
    """

    __slots__ = ("_arguments", "_ended", "_index", "called", "head", "kind", "raw_head", "refused", "tool")

    def __init__(self) -> None:
        self.kind = NONE
        self.tool = -1
        self.head = b""
        self.raw_head = b""
        self.called = False
        self.refused = False
        self._index = -1
        self._arguments: list[str] = []
        self._ended: set[int] = set()

    def write(self, out: list[bytes], event: Content) -> None:
        """Append the events of the stream that say this."""
        if isinstance(event, TextDelta | RefusalDelta):
            self.refused = self.refused or isinstance(event, RefusalDelta)
            self._open(out, TEXT)
            out.append(self.head + encode_json(event.text) + DELTA_END)
        elif isinstance(event, ToolCallDelta):
            out.append(self.arguments(event.arguments))
        elif isinstance(event, ToolCallStart):
            self.called = True
            self._stop(out)
            self.tool, self._arguments = event.index, []
            self._begin(out, TOOL, {"type": "tool_use", "id": event.id, "name": event.name, "input": {}})
        elif isinstance(event, ReasoningDelta):
            self._write_reasoning(out, event)
        else:
            self._write_citations(out, event)

    def arguments(self, text: str) -> bytes:
        """A fragment of the open tool call's arguments."""
        self._arguments.append(text)
        return self.head + encode_json(text) + DELTA_END

    @property
    def unfinished(self) -> bool:
        """Whether the open block is a tool call whose arguments are no JSON object yet."""
        return self.kind == TOOL and not is_object("".join(self._arguments))

    def has_ended(self, tool: int) -> bool:
        """Whether the block of this tool call has ended."""
        return tool in self._ended

    def end(self, out: list[bytes], *, cut: bool = False) -> None:
        """End the open block; raises `UpstreamFailedError` for arguments that are no object, unless they were `cut`."""
        if not cut and self._arguments and self.unfinished:
            raise broken("has a tool call whose arguments are not a JSON object")
        self._stop(out)

    def end_text(self, out: list[bytes]) -> None:
        """End the open block if it is text or thinking: the upstream began another."""
        if self.kind in (TEXT, THINKING):
            self._stop(out)

    def _write_reasoning(self, out: list[bytes], event: ReasoningDelta) -> None:
        if event.redacted is not None:
            self._stop(out)
            self._begin(out, NONE, {"type": "redacted_thinking", "data": event.redacted})
            self._write_stop(out)
        if event.text or event.signature:
            self._open(out, THINKING)
        if event.text:
            out.append(self.head + encode_json(event.text) + DELTA_END)
        if event.signature:
            self._fragment(out, {"type": "signature_delta", "signature": event.signature})
            self._stop(out)

    def _write_citations(self, out: list[bytes], event: AnnotationsDelta) -> None:
        found = citations(event)
        if found:
            self._open(out, TEXT)
        for citation in found:
            self._fragment(out, {"type": "citations_delta", "citation": citation})

    def _open(self, out: list[bytes], kind: int) -> None:
        if self.kind == kind:
            return
        self._stop(out)
        if kind == TEXT:
            self._begin(out, kind, {"type": "text", "text": ""})
        else:
            self._begin(out, kind, {"type": "thinking", "thinking": "", "signature": ""})

    def _begin(self, out: list[bytes], kind: int, block: dict[str, Any]) -> None:
        self._index += 1
        self.kind = kind
        write_event(out, "content_block_start", {"index": self._index, "content_block": block})
        fragment = b'{"type":"content_block_delta","index":%d,"delta":{"type":"' % self._index
        self.raw_head = fragment + b'text_delta",'
        self.head = DELTA + fragment + _DELTAS.get(kind, b"")

    def _fragment(self, out: list[bytes], delta: dict[str, Any]) -> None:
        write_event(out, "content_block_delta", {"index": self._index, "delta": delta})

    def _stop(self, out: list[bytes]) -> None:
        if self.kind == NONE:
            return
        if self.kind == TOOL:
            self._ended.add(self.tool)
        self.kind = NONE
        self._write_stop(out)

    def _write_stop(self, out: list[bytes]) -> None:
        out.append(b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n' % self._index)


def write_event(out: list[bytes], kind: str, fields: dict[str, Any]) -> None:
    """Append one server-sent event."""
    out.append(b"event: " + kind.encode() + b"\ndata: " + encode_json({"type": kind, **fields}) + b"\n\n")
