"""The output of a response while its events arrive, and what a stream announces of it.

One message holds all text of an answer, in one part, and its refusal in another. The message and calls stay open until
the answer's finish: what a guardrail held back of them comes only then.
"""

from collections.abc import Callable
from typing import Any, Final

from kaigate.chat.events import (
    AnnotationsDelta,
    ChatEvent,
    End,
    Finish,
    LogprobsDelta,
    ReasoningDelta,
    RefusalDelta,
    Start,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from kaigate.errors import UpstreamFailedError
from kaigate.surfaces.openai_responses_items import SIGNATURE
from kaigate.surfaces.openai_responses_marks import annotation, text_logprobs
from kaigate.surfaces.openai_responses_object import final_status
from kaigate.surfaces.openai_responses_parts import (
    CallOutput,
    MessageOutput,
    OutputItem,
    ReasoningOutput,
    RefusalPart,
    Status,
    TextPart,
)

Emit = Callable[[str, dict[str, Any]], None]

MAX_CHARACTERS: Final = 1 << 24
"""A response repeats all its text at its end, so that all of it is kept until then."""
MAX_ITEMS: Final = 2048
MAX_MARKS: Final = 1 << 18


class Output:
    """Builds the items; `emit` is told type and fields of each event that a stream has for them.

    `encrypted` and `logprobs` say what the client asked to have included. Raises `UpstreamFailedError` for a second
    choice, and beyond `MAX_CHARACTERS` characters, `MAX_ITEMS` items or `MAX_MARKS` marks.
    """

    def __init__(self, key: str, emit: Emit, *, encrypted: bool, logprobs: bool) -> None:
        self._key: Final = key
        self._emit: Final = emit
        self._encrypted: Final = encrypted
        self._wants_logprobs: Final = logprobs
        self._items: list[OutputItem] = []
        self._message: MessageOutput | None = None
        self._text: TextPart | None = None
        self._refusal: RefusalPart | None = None
        self._reasoning: ReasoningOutput | None = None
        self._calls: dict[int, CallOutput] = {}
        self._room = MAX_CHARACTERS
        self._marks = MAX_MARKS
        self._status: Status = "in_progress"

    def wire(self) -> list[dict[str, Any]]:
        """The `output` of the response."""
        return [item.wire(self._status) for item in self._items]

    def open_text(self) -> tuple[MessageOutput, TextPart] | None:
        """Where answer text goes that comes next, if that needs no other event before it."""
        if self._message is None or self._text is None or self._reasoning is not None:
            return None
        return self._message, self._text

    def take(self, length: int) -> None:
        """Count characters towards the bound."""
        self._room -= length
        if self._room < 0:
            raise _too_much("characters")

    def add(self, event: ChatEvent) -> None:
        """Merge one event in."""
        if isinstance(event, Start | UsageReport | End):
            return
        if event.choice:
            raise UpstreamFailedError("upstream_error", "The model server gave more than one answer.")
        if isinstance(event, TextDelta):
            if event.text:
                self._add_text(event.text, [])
        elif isinstance(event, ToolCallDelta):
            self._argue(self._calls[event.index], event.arguments)
        elif isinstance(event, ReasoningDelta):
            self._reason(event)
        elif isinstance(event, ToolCallStart):
            self._end_reasoning()
            call = CallOutput(self._id("fc"), len(self._items), event.id, event.name)
            self._calls[event.index] = call
            self._open(call)
        elif isinstance(event, RefusalDelta):
            self._refuse(event.text)
        elif isinstance(event, LogprobsDelta):
            self._add_logprobs(event)
        elif isinstance(event, AnnotationsDelta):
            self._add_annotations(event)
        else:
            self._finish(event)

    def _add_text(self, text: str, logprobs: list[dict[str, Any]]) -> None:
        self.take(len(text))
        message, part = self._opened_text()
        part.texts.append(text)
        part.logprobs += logprobs
        self._emit("response.output_text.delta", {**_place(message, part), "delta": text, "logprobs": logprobs})

    def _add_logprobs(self, event: LogprobsDelta) -> None:
        # A refusal's have no place in a response.
        if self._wants_logprobs and event.content:
            self._mark(len(event.content))
            self._add_text("", text_logprobs(event.content))

    def _add_annotations(self, event: AnnotationsDelta) -> None:
        for wire in event.annotations:
            shaped = annotation(wire)
            if shaped is None:  # of a kind that responses do not have
                continue
            self._mark(1)
            message, part = self._opened_text()
            part.annotations.append(shaped)
            place = {**_place(message, part), "annotation_index": len(part.annotations) - 1}
            self._emit("response.output_text.annotation.added", {**place, "annotation": shaped})

    def _refuse(self, text: str) -> None:
        if not text:
            return
        self.take(len(text))
        message, part = self._opened_refusal()
        part.texts.append(text)
        self._emit("response.refusal.delta", {**_place(message, part), "delta": text})

    def _reason(self, event: ReasoningDelta) -> None:
        encrypted = event.redacted if event.signature is None else SIGNATURE + event.signature
        if event.redacted is not None:
            self._end_reasoning()
        if event.text:
            self.take(len(event.text))
            item = self._opened_reasoning()
            if not item.texts:
                self._emit("response.reasoning_summary_part.added", {**_summary_place(item), "part": item.summary()})
            item.texts.append(event.text)
            self._emit("response.reasoning_summary_text.delta", {**_summary_place(item), "delta": event.text})
        if encrypted is not None:
            if self._encrypted:
                self.take(len(encrypted))
                self._opened_reasoning().encrypted = encrypted
            self._end_reasoning()

    def _argue(self, call: CallOutput, arguments: str) -> None:
        if not arguments:
            return
        self.take(len(arguments))
        call.arguments.append(arguments)
        place = {"item_id": call.id, "output_index": call.at}
        self._emit("response.function_call_arguments.delta", {**place, "delta": arguments})

    def _finish(self, event: Finish) -> None:
        """End every item that is open, in the order of the output."""
        self._end_reasoning()
        self._status = final_status(event.reason)
        for item in self._items:
            if isinstance(item, MessageOutput):
                self._end_message(item)
            elif isinstance(item, CallOutput):
                self._end_call(item)

    def _end_message(self, message: MessageOutput) -> None:
        for part in message.parts:
            place, wire = _place(message, part), part.wire()
            if isinstance(part, TextPart):
                said = {"text": wire["text"], "logprobs": part.logprobs}
                self._emit("response.output_text.done", {**place, **said})
            else:
                self._emit("response.refusal.done", {**place, "refusal": wire["refusal"]})
            self._emit("response.content_part.done", {**place, "part": wire})
        self._close(message)

    def _end_call(self, call: CallOutput) -> None:
        if not call.arguments and self._status == "completed":
            self._argue(call, "{}")  # a call without arguments: clients parse what they get
        arguments = "".join(call.arguments)
        place = {"item_id": call.id, "output_index": call.at, "name": call.name}
        self._emit("response.function_call_arguments.done", {**place, "arguments": arguments})
        self._close(call)

    def _end_reasoning(self) -> None:
        item = self._reasoning
        if item is None:
            return
        self._reasoning = None
        if item.texts:
            place, part = _summary_place(item), item.summary()
            self._emit("response.reasoning_summary_text.done", {**place, "text": part["text"]})
            self._emit("response.reasoning_summary_part.done", {**place, "part": part})
        self._close(item)

    def _opened_text(self) -> tuple[MessageOutput, TextPart]:
        message = self._opened_message()
        if self._text is None:
            self._text = TextPart(len(message.parts))
            self._open_part(message, self._text)
        return message, self._text

    def _opened_refusal(self) -> tuple[MessageOutput, RefusalPart]:
        message = self._opened_message()
        if self._refusal is None:
            self._refusal = RefusalPart(len(message.parts))
            self._open_part(message, self._refusal)
        return message, self._refusal

    def _opened_message(self) -> MessageOutput:
        self._end_reasoning()
        if self._message is None:
            self._message = MessageOutput(self._id("msg"), len(self._items))
            self._open(self._message)
        return self._message

    def _opened_reasoning(self) -> ReasoningOutput:
        if self._reasoning is None:
            self._reasoning = ReasoningOutput(self._id("rs"), len(self._items))
            self._open(self._reasoning)
        return self._reasoning

    def _open_part(self, message: MessageOutput, part: TextPart | RefusalPart) -> None:
        message.parts.append(part)
        self._emit("response.content_part.added", {**_place(message, part), "part": part.wire()})

    def _open(self, item: OutputItem) -> None:
        if item.at >= MAX_ITEMS:
            raise _too_much("items")
        self._items.append(item)
        self._emit("response.output_item.added", {"output_index": item.at, "item": item.wire("in_progress")})

    def _close(self, item: OutputItem) -> None:
        self._emit("response.output_item.done", {"output_index": item.at, "item": item.wire(self._status)})

    def _id(self, prefix: str) -> str:
        return f"{prefix}_{self._key}_{len(self._items)}"

    def _mark(self, count: int) -> None:
        self._marks -= count
        if self._marks < 0:
            raise _too_much("log probabilities or citations")


def _place(message: MessageOutput, part: TextPart | RefusalPart) -> dict[str, Any]:
    return {"item_id": message.id, "output_index": message.at, "content_index": part.index}


def _summary_place(item: ReasoningOutput) -> dict[str, Any]:
    return {"item_id": item.id, "output_index": item.at, "summary_index": 0}


def _too_much(what: str) -> UpstreamFailedError:
    return UpstreamFailedError("upstream_error", f"The model server's answer has too many {what}.")
