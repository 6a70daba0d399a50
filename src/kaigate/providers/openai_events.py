"""Canonical events of OpenAI-shaped answers: one builder that remembers what the stream has said so far."""

from typing import Final

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
from kaigate.providers.openai_usage import canonical_usage, says_the_same
from kaigate.providers.openai_wire import (
    WireChunk,
    WireChunkChoice,
    WireCompletion,
    WireDelta,
    WireFunction,
    WireLogprobs,
    WireMessage,
    WireToolCallDelta,
)

MAX_CHOICES: Final = 128
MAX_TOOL_CALLS: Final = 1024
_END: Final = End()


def completion_events(answer: WireCompletion) -> tuple[list[ChatEvent], bool]:
    """Events of a complete answer, and whether they represent all of it."""
    events: list[ChatEvent] = [
        Start(answer.id, answer.model, answer.created, answer.system_fingerprint, answer.service_tier)
    ]
    exact = True
    for position, choice in enumerate(answer.choices):
        message = choice.message
        index = choice.index
        exact = exact and index == position
        _add_texts(events, message, index)
        for at, call in enumerate(message.tool_calls) if message.tool_calls else ():
            exact = exact and bool(call.id and call.function.name and call.function.arguments)
            call_id = call.id or _call_id(answer.id, index, at)
            events.append(ToolCallStart(at, call_id, _name(call.function), index))
            events.append(ToolCallDelta(at, call.function.arguments or "{}", index))
        if choice.logprobs is not None:
            _add_logprobs(events, choice.logprobs, index)
        events.append(Finish(choice.finish_reason, index))
    if not answer.choices:
        raise UpstreamFailedError("upstream_error", "The model server answered without a choice.")
    usage = canonical_usage(answer.usage)
    if usage is None or answer.usage is None:
        events.append(_END)
        return events, False
    events.append(UsageReport(usage))
    events.append(_END)
    return events, exact and says_the_same(answer.usage, usage)


class ChunkEvents:
    """Turns chunks into events: `Start` once, one `Finish` per choice, tool calls counted from 0, usage once.

    Bounded: at most `MAX_CHOICES` choices and `MAX_TOOL_CALLS` tool calls are remembered.
    """

    def __init__(self) -> None:
        self._start: Start | None = None
        self._finished: dict[int, bool] = {}
        self._calls: dict[tuple[int, int], tuple[int, str]] = {}
        self._call_counts: dict[int, int] = {}
        self._usage: UsageReport | None = None
        self._usage_told = False

    @property
    def answer_id(self) -> str:
        """The id of the answer, empty before its first chunk."""
        return self._start.id if self._start is not None else ""

    @property
    def complete(self) -> bool:
        """Whether there was a choice and every choice has ended."""
        return bool(self._finished) and all(self._finished.values())

    def feed(self, chunk: WireChunk) -> tuple[list[ChatEvent], bool]:
        """Events of one chunk, and whether they represent all of it."""
        events: list[ChatEvent] = []
        start = self._start
        if start is None:
            if not chunk.choices and chunk.usage is None:  # Azure's first chunk, keep-alives
                return events, False
            start = self._start = Start(
                chunk.id, chunk.model, chunk.created, chunk.system_fingerprint, chunk.service_tier
            )
            events.append(start)
            exact = chunk.obfuscation is None
        else:
            exact = (
                chunk.id == start.id
                and chunk.created == start.created
                and chunk.model == start.model
                and chunk.obfuscation is None
            )
        for choice in chunk.choices:
            exact = self._add_choice(events, choice, start.id) and exact
        if chunk.usage is not None:
            return events, self._add_usage(events, chunk) and exact
        return events, exact and bool(chunk.choices)

    def end(self) -> list[ChatEvent]:
        """Events of the terminal marker; raises `UpstreamFailedError` if a choice has no finish reason."""
        if not self.complete:
            raise UpstreamFailedError("upstream_error", "The model server's stream ended without a finish reason.")
        if self._usage is not None and not self._usage_told:
            return [self._usage, _END]
        return [_END]

    def _add_choice(self, events: list[ChatEvent], choice: WireChunkChoice, answer_id: str) -> bool:
        index, delta = choice.index, choice.delta
        before = len(events)
        finished = self._finished.get(index)
        # the role belongs into the first delta and into no other
        exact = (finished is None) == (delta.role is not None)
        if finished is None:
            if len(self._finished) >= MAX_CHOICES:
                raise UpstreamFailedError("upstream_error", "The model server's stream has too many choices.")
            self._finished[index] = False
        _add_texts(events, delta, index)
        for call in delta.tool_calls or ():
            exact = self._add_tool_call(events, call, index, answer_id) and exact
        if choice.logprobs is not None:
            _add_logprobs(events, choice.logprobs, index)
        if finished and len(events) > before:
            raise UpstreamFailedError("upstream_error", "The model server's stream goes on after its finish reason.")
        if delta.role is not None and exact and len(events) == before:
            events.append(TextDelta("", index))  # so that the choice is known to have its role
        if choice.finish_reason is not None:
            if finished:
                return False
            self._finished[index] = True
            events.append(Finish(choice.finish_reason, index))
        return exact

    def _add_tool_call(self, events: list[ChatEvent], call: WireToolCallDelta, choice: int, answer_id: str) -> bool:
        name = call.function.name if call.function is not None else None
        at = call.index
        if at < 0:  # a server that does not count: a name begins a new call
            at = self._call_counts.get(choice, 0) - (0 if name else 1)
        known = self._calls.get((choice, at))
        exact = at == call.index
        if known is None or (name and call.id and call.id != known[1]):
            known = self._begin_tool_call(events, call, choice, at, answer_id)
            exact = exact and known == (call.index, call.id)
        elif name or call.id:
            exact = False  # repeated: clients that join fragments would join these too
        arguments = call.function.arguments if call.function is not None else None
        if arguments:
            events.append(ToolCallDelta(known[0], arguments, choice))
        return exact

    def _begin_tool_call(
        self, events: list[ChatEvent], call: WireToolCallDelta, choice: int, at: int, answer_id: str
    ) -> tuple[int, str]:
        index = self._call_counts.get(choice, 0)
        if index >= MAX_TOOL_CALLS:
            raise UpstreamFailedError("upstream_error", "The model server's stream has too many tool calls.")
        self._call_counts[choice] = index + 1
        call_id = call.id or _call_id(answer_id, choice, index)
        known = self._calls[choice, at] = (index, call_id)
        events.append(ToolCallStart(index, call_id, _name(call.function), choice))
        return known

    def _add_usage(self, events: list[ChatEvent], chunk: WireChunk) -> bool:
        """Keep the latest usage; tell it at once only where the protocol has it, in a last chunk of its own."""
        usage = canonical_usage(chunk.usage)
        if usage is None or chunk.usage is None:
            return False
        self._usage = UsageReport(usage)
        if chunk.choices or self._usage_told or not self.complete:
            return False
        self._usage_told = True
        events.append(self._usage)
        return says_the_same(chunk.usage, usage)


def _add_texts(events: list[ChatEvent], part: WireMessage | WireDelta, choice: int) -> None:
    if part.reasoning_content:
        events.append(ReasoningDelta(part.reasoning_content, choice))
    if part.content:
        events.append(TextDelta(part.content, choice))
    if part.refusal:
        events.append(RefusalDelta(part.refusal, choice))
    if part.annotations:
        events.append(AnnotationsDelta(part.annotations, choice))


def _add_logprobs(events: list[ChatEvent], logprobs: WireLogprobs, choice: int) -> None:
    if logprobs.content is not None or logprobs.refusal is not None:
        events.append(LogprobsDelta(logprobs.content, logprobs.refusal, choice))


def _name(function: WireFunction | None) -> str:
    if function is None or not function.name:
        raise UpstreamFailedError("upstream_error", "The model server called a tool without a name.")
    return function.name


def _call_id(answer_id: str, choice: int, index: int) -> str:
    """An id for a call that came without one (Gemini): the same for every cut of the same answer."""
    return f"call_{answer_id}_{choice}_{index}"
