"""Canonical events from Converse answers: shared by the complete and the streamed one."""

from collections.abc import Mapping
from typing import Any, Final

from kaigate.chat.events import (
    ChatEvent,
    End,
    Finish,
    FinishReason,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from kaigate.chat.usage import Usage
from kaigate.errors import UpstreamFailedError
from kaigate.providers.bedrock_names import ToolNames
from kaigate.providers.bedrock_wire import WireReasoning, WireToolUse, WireUsage

MAX_TOOL_CALLS: Final = 1024

_FINISH: Final[Mapping[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "content_filtered": "content_filter",
    "guardrail_intervened": "content_filter",
}


def broken(what: str) -> UpstreamFailedError:
    """An answer that is not what Converse promises; `what` completes "The model server's answer ..."."""
    return UpstreamFailedError("upstream_error", f"The model server's answer {what}.")


class _Call:
    """A block that is a tool call; `index` is None for the tool whose arguments are the answer."""

    __slots__ = ("has_input", "index")

    def __init__(self, index: int | None) -> None:
        self.index: Final = index
        self.has_input = False


class AnswerEvents:
    """Turns blocks and deltas, which Bedrock counts together, into events, where only tool calls are counted."""

    __slots__ = ("_blocks", "_calls", "_names", "_said")

    def __init__(self, names: ToolNames) -> None:
        self._names: Final = names
        self._blocks: dict[int, _Call] = {}
        self._calls = 0
        self._said = False

    def text(self, text: str) -> list[ChatEvent]:
        """Answer text."""
        if not text:
            return []
        self._said = self._said or not text.isspace()
        return [TextDelta(text)]

    def open_call(self, block: int, use: WireToolUse) -> list[ChatEvent]:
        """A tool call begins. Raises for a tool that Bedrock ran itself or that the client did not offer."""
        if use.type == "server_tool_use":
            raise broken("has a tool of the provider's own, which was not asked for")
        if block in self._blocks:
            raise broken("begins a tool call twice")
        if self._calls + len(self._blocks) >= MAX_TOOL_CALLS:
            raise broken("has too many tool calls")
        if self._names.answer_tool is not None and use.name == self._names.answer_tool:
            if self._said:
                raise broken("has text beside the JSON that was asked for")
            self._said = True
            self._blocks[block] = _Call(None)
            return []
        if not self._names.offered:
            raise broken("calls a tool that was not offered")
        index = self._calls
        self._calls += 1
        self._blocks[block] = _Call(index)
        return [ToolCallStart(index, use.tool_use_id, self._names.client(use.name))]

    def arguments(self, block: int, fragment: str) -> list[ChatEvent]:
        """A fragment of a tool call's arguments."""
        call = self._blocks.get(block)
        if call is None:
            raise broken("continues a tool call that did not begin")
        if not fragment:
            return []
        call.has_input = True
        return [TextDelta(fragment) if call.index is None else ToolCallDelta(call.index, fragment)]

    def close(self, block: int) -> list[ChatEvent]:
        """A block ended; a call of a tool without arguments streams none, and its client must get an object."""
        call = self._blocks.pop(block, None)
        if call is None or call.has_input:
            return []
        return [TextDelta("{}") if call.index is None else ToolCallDelta(call.index, "{}")]

    def terminal(self, stop_reason: str, usage: WireUsage | None, fields: Any) -> list[ChatEvent]:
        """Finish, usage and end. Raises for a reason that is not known, or that means a broken answer."""
        if self._blocks:
            raise broken("ended within a tool call")
        reason = _FINISH.get(stop_reason)
        if reason is None:
            raise broken("ended for a reason that is not known or is the model's own fault")
        if reason == "tool_calls" and not self._calls:
            reason = "stop"  # the only tool was the one whose arguments are the answer
        sequence = fields.get("stop_sequence") if isinstance(fields, dict) else None
        events: list[ChatEvent] = [Finish(reason, stop_sequence=sequence if isinstance(sequence, str) else None)]
        if usage is not None:
            events.append(UsageReport(canonical_usage(usage)))
        events.append(End())
        return events


def canonical_usage(usage: WireUsage) -> Usage:
    """Bedrock's counts; its input leaves cached tokens out."""
    read = max(usage.cache_read_input_tokens or 0, 0)
    written = max(usage.cache_write_input_tokens or 0, 0)
    return Usage(
        max(usage.input_tokens, 0) + read + written,
        max(usage.output_tokens, 0),
        cached_input_tokens=read,
        cache_write_tokens=written,
    )


def reasoning(block: WireReasoning) -> ReasoningDelta:
    """A whole block of reasoning."""
    if block.reasoning_text is not None and block.redacted_content is None:
        return ReasoningDelta(block.reasoning_text.text, signature=block.reasoning_text.signature)
    if block.redacted_content is not None and block.reasoning_text is None:
        return ReasoningDelta("", redacted=block.redacted_content)
    raise broken("has a block of reasoning whose shape is not known")
