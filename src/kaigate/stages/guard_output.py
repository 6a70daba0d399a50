"""Searches every text of the answer for secrets and redacts them before the client sees them."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

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
from kaigate.errors import UnavailableError
from kaigate.guardrails.interrupted import FieldRedactor, ForkableRedactor, InterruptedRedactor
from kaigate.guardrails.json_text import JsonStreamRedactor
from kaigate.guardrails.logprobs import HeldLogprobs
from kaigate.guardrails.redaction import Redactor
from kaigate.pipeline.exchange import Exchange
from kaigate.pipeline.stage import EventFilter, Stage
from kaigate.telemetry.metrics import Metrics


class GuardOutput(Stage):
    """One redactor for each field of each choice; an event without a rule here is refused, not relayed."""

    def __init__(self, redactor: Redactor, metrics: Metrics) -> None:
        self._redactor = redactor
        self._errors = metrics.guardrail_errors.labels("redaction")

    def filter(self, exchange: Exchange) -> EventFilter:
        return _Redaction(self._redactor, exchange, self._errors.inc)


_TextEvent = TextDelta | ReasoningDelta | RefusalDelta
_Key = tuple[type[ChatEvent], int]
"""A field of a choice: its kind of event, and which tool call."""


class _Choice:
    """What is known of one choice: a redactor per field, and log probabilities waiting for their text.

    `open` is the field that the latest text belonged to: no other one has text to give out.
    """

    __slots__ = ("fields", "logprobs", "open", "redacted", "released")

    def __init__(self) -> None:
        self.fields: dict[_Key, ForkableRedactor | InterruptedRedactor] = {}
        self.open: _Key | None = None
        self.logprobs: HeldLogprobs | None = None
        self.released = 0
        self.redacted = False


class _Redaction:
    """Holds back, per field, what may still become a secret, until another field of the choice has something to say.

    So the parts of an answer leave in the order in which they came, whatever the parts are cut into.
    """

    __slots__ = ("_choices", "_count_error", "_exchange", "_latest", "_redactor", "_streaming")

    def __init__(self, redactor: Redactor, exchange: Exchange, count_error: Callable[[], None]) -> None:
        self._redactor = redactor
        self._count_error = count_error
        self._exchange = exchange
        self._streaming = exchange.request is None or exchange.request.stream
        self._choices: dict[int, _Choice] = {}
        # The field that the latest text belonged to: with streams it is nearly always the next one's too.
        self._latest: tuple[type[ChatEvent], int, FieldRedactor, _Choice] | None = None

    def feed(self, events: list[ChatEvent]) -> list[ChatEvent]:
        out: list[ChatEvent] = []
        try:
            if len(events) == 1 and self._continues(events[0], out):
                return events if out == events else out
            for event in events:
                kind = type(event)
                if kind in _TEXTLESS:
                    out.append(event)
                else:
                    _RULES[kind](self, event, out)
        except Exception as error:
            # Whatever went wrong, also an event without a rule: what was not checked does not leave.
            self._count_error()
            raise UnavailableError("guardrail_unavailable", "The answer could not be checked.") from error
        # Equal events are untouched ones; lists compare by identity first, so this costs next to nothing.
        return events if out == events else out

    def flush(self) -> list[ChatEvent]:
        out: list[ChatEvent] = []
        for number in sorted(self._choices):
            self._end_choice(number, out)
        return out

    def _continues(self, event: ChatEvent, out: list[ChatEvent]) -> bool:
        """Handle answer text that continues the latest field; False where the rules are needed."""
        latest = self._latest
        if latest is None or type(event) is not TextDelta or latest[0] is not TextDelta or latest[1] != event.choice:
            return False
        choice = latest[3]
        if choice.logprobs is not None:
            return False
        text = latest[2].feed(event.text)
        choice.released += len(text)
        if text:
            out.append(event if text == event.text else TextDelta(text, event.choice))
        return True

    def text(self, event: _TextEvent, out: list[ChatEvent]) -> None:
        kind = type(event)
        choice = self._choice(event.choice)
        if not self._streaming:
            text = self._redacted(event.text, choice)
            if text is event.text and choice.logprobs is None:
                choice.released += len(text)
                out.append(event)
                return
        elif isinstance(event, ReasoningDelta) and (event.signature or event.redacted):
            self._reasoning_end(event, choice, out)
            return
        elif not event.text:
            out.append(event)  # nothing to search, and no reason to take another field for finished
            return
        else:
            field = self._opened(choice, (kind, 0), event.choice, out)
            text = field.feed(event.text)
            self._latest = (kind, event.choice, field, choice)
        if kind is TextDelta:
            choice.released += len(text)
        if text == event.text:
            out.append(event)
        elif text or (isinstance(event, ReasoningDelta) and (event.signature or event.redacted)):
            out.append(msgspec.structs.replace(event, text=text))
        if choice.logprobs is not None:
            self._release_logprobs(choice, choice.logprobs, out)

    def _reasoning_end(self, event: ReasoningDelta, choice: _Choice, out: list[ChatEvent]) -> None:
        """A signature comes after all of the text that it signs."""
        text = self._opened(choice, (ReasoningDelta, 0), event.choice, out).feed(event.text)
        text += self._pause(choice)
        if text == event.text:
            out.append(event)
            return
        if text:
            out.append(ReasoningDelta(text, event.choice))
        out.append(msgspec.structs.replace(event, text=""))

    def arguments(self, event: ToolCallDelta, out: list[ChatEvent]) -> None:
        choice = self._choice(event.choice)
        if not self._streaming:
            whole = JsonStreamRedactor(self._redactor)
            text = whole.feed(event.arguments) + whole.flush()
            self._count(choice, whole)
        elif event.arguments:
            text = self._opened(choice, (ToolCallDelta, event.index), event.choice, out).feed(event.arguments)
        else:
            text = ""
        if text == event.arguments:
            out.append(event)
        elif text:
            out.append(ToolCallDelta(event.index, text, event.choice))

    def tool_start(self, event: ToolCallStart, out: list[ChatEvent]) -> None:
        choice = self._choice(event.choice)
        self._interrupt(choice, event.choice, out)
        name = self._redacted(event.name, choice)
        out.append(event if name is event.name else msgspec.structs.replace(event, name=name))

    def _opened(self, choice: _Choice, key: _Key, number: int, out: list[ChatEvent]) -> FieldRedactor:
        """The redactor of a field that has text now, behind what was left of another one."""
        if choice.open != key:
            self._interrupt(choice, number, out)
            choice.open = key
        field = choice.fields.get(key)
        if field is None:
            json = key[0] is ToolCallDelta
            field = choice.fields[key] = JsonStreamRedactor(self._redactor) if json else self._redactor.stream()
        return field

    def _interrupt(self, choice: _Choice, number: int, out: list[ChatEvent]) -> None:
        """Give out what the open field of a choice holds: something else comes next."""
        key = choice.open
        if key is None:
            return
        text = self._pause(choice)
        if text:
            out.append(_text_event(key, text, number))
            if key[0] is TextDelta:
                choice.released += len(text)
        if choice.logprobs is not None:
            self._release_logprobs(choice, choice.logprobs, out)

    def _pause(self, choice: _Choice) -> str:
        """What the open field of a choice holds; the field is not open any more, and may go on later."""
        key, choice.open, self._latest = choice.open, None, None
        field = None if key is None else choice.fields[key]
        if key is None or field is None or not field.held:
            return ""
        if not isinstance(field, InterruptedRedactor):
            new_run = None if key[0] is ToolCallDelta else self._redactor.stream
            field = choice.fields[key] = InterruptedRedactor(field, new_run)
        return field.pause()

    def annotations(self, event: AnnotationsDelta, out: list[ChatEvent]) -> None:
        choice = self._choice(event.choice)
        clean = self._clean(event.annotations, choice)
        out.append(event if clean == event.annotations else AnnotationsDelta(clean, event.choice))

    def hold_logprobs(self, event: LogprobsDelta, out: list[ChatEvent]) -> None:
        choice = self._choice(event.choice)
        if choice.logprobs is None:
            choice.logprobs = HeldLogprobs()
        choice.logprobs.hold(event)
        self._release_logprobs(choice, choice.logprobs, out)

    def _release_logprobs(self, choice: _Choice, held: HeldLogprobs, out: list[ChatEvent]) -> None:
        if choice.redacted or any(field.counts for field in choice.fields.values()):
            held.drop()
        else:
            out.extend(held.release(choice.released))

    def finish(self, event: Finish, out: list[ChatEvent]) -> None:
        self._end_choice(event.choice, out)
        out.append(event)

    def end(self, event: End, out: list[ChatEvent]) -> None:
        out.extend(self.flush())
        out.append(event)

    def _end_choice(self, number: int, out: list[ChatEvent]) -> None:
        """Flush every field of a choice: nothing of it can follow."""
        self._latest = None
        choice = self._choices.pop(number, None)
        if choice is None:
            return
        for key, field in choice.fields.items():
            text = field.flush()
            self._count(choice, field)
            if text:
                out.append(_text_event(key, text, number))
        if choice.logprobs is not None and not choice.redacted:
            out.extend(choice.logprobs.rest())

    def _choice(self, number: int) -> _Choice:
        choice = self._choices.get(number)
        if choice is None:
            choice = self._choices[number] = _Choice()
        return choice

    def _redacted(self, text: str, choice: _Choice) -> str:
        redaction = self._redactor.redact(text)
        if not redaction.findings:
            return text
        choice.redacted = True
        counts = self._exchange.redactions
        for finding in redaction.findings:
            counts[finding.type] = counts.get(finding.type, 0) + 1
        return redaction.text

    def _clean(self, value: Any, choice: _Choice) -> Any:
        """The same JSON value with every string redacted, keys included."""
        if isinstance(value, str):
            return self._redacted(value, choice)
        if isinstance(value, dict):
            return {self._redacted(key, choice): self._clean(item, choice) for key, item in value.items()}
        if isinstance(value, list):
            return [self._clean(item, choice) for item in value]
        return value

    def _count(self, choice: _Choice, field: FieldRedactor) -> None:
        counts = self._exchange.redactions
        for kind, count in field.counts.items():
            choice.redacted = True
            counts[kind] = counts.get(kind, 0) + count


def _text_event(key: _Key, text: str, choice: int) -> ChatEvent:
    kind, index = key
    if kind is ToolCallDelta:
        return ToolCallDelta(index, text, choice)
    if kind is TextDelta:
        return TextDelta(text, choice)
    return ReasoningDelta(text, choice) if kind is ReasoningDelta else RefusalDelta(text, choice)


_RULES: Final[dict[type[ChatEvent], Callable[[_Redaction, Any, list[ChatEvent]], None]]] = {
    TextDelta: _Redaction.text,
    ReasoningDelta: _Redaction.text,
    RefusalDelta: _Redaction.text,
    ToolCallDelta: _Redaction.arguments,
    ToolCallStart: _Redaction.tool_start,
    AnnotationsDelta: _Redaction.annotations,
    LogprobsDelta: _Redaction.hold_logprobs,
    Finish: _Redaction.finish,
    End: _Redaction.end,
}
_TEXTLESS: Final = frozenset((Start, UsageReport))
