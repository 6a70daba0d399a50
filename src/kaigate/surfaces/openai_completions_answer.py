"""The complete answer of `POST /v1/completions`: canonical events to one `text_completion` object.

A refusal is text here, as it is what the model said; reasoning and citations have no place in the format.
"""

from collections.abc import Sequence
from typing import Any, Final

from kaigate.chat.events import (
    ChatEvent,
    Finish,
    FinishReason,
    Frame,
    LogprobsDelta,
    RefusalDelta,
    Start,
    TextDelta,
    UsageReport,
)
from kaigate.errors import GatewayError
from kaigate.surfaces.openai_chat_parts import encode_json, wire_usage
from kaigate.surfaces.openai_completions_choice import LegacyLogprobs, head, joined, wire_reason
from kaigate.surfaces.openai_error import error_body


class _Choice:
    """One choice while its parts arrive."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.legacy = LegacyLogprobs()
        self.logprobs: dict[str, Any] | None = None
        self.reason: FinishReason = "stop"


class CompleteCompletion:
    """Collects the events of one answer; `end` returns the body."""

    content_type: bytes = b"application/json"

    def __init__(self, *, provider: str) -> None:
        self._provider: Final = provider
        self._start: Start = Start("", "", 0)
        self._usage: UsageReport | None = None
        self._choices: dict[int, _Choice] = {}

    def feed(self, events: Sequence[ChatEvent]) -> bytes:
        """Collect; nothing goes out before the answer is complete."""
        for event in events:
            if isinstance(event, Start):
                self._start = event
            elif isinstance(event, UsageReport):
                self._usage = event
            elif isinstance(event, TextDelta | RefusalDelta):
                self._choice(event.choice).texts.append(event.text)
            elif isinstance(event, LogprobsDelta):
                choice = self._choice(event.choice)
                choice.logprobs = joined(choice.logprobs, choice.legacy.take(event))
            elif isinstance(event, Finish):
                self._choice(event.choice).reason = event.reason
        return b""

    def relay(self, frame: Frame) -> bytes:
        """Encode anew: no upstream is asked for this format."""
        return self.feed(frame.events)

    def end(self) -> bytes:
        """The body."""
        body = head(self._start) | {
            "provider": self._provider,
            "choices": [
                {
                    "text": "".join(choice.texts),
                    "index": index,
                    "logprobs": choice.logprobs,
                    "finish_reason": wire_reason(choice.reason),
                }
                for index, choice in sorted(self._choices.items())
            ],
        }
        if self._usage is not None:
            body["usage"] = wire_usage(self._usage.usage)
        return encode_json(body)

    def fail(self, error: GatewayError) -> bytes:
        """The error in place of the body: nothing of the answer has gone out."""
        return error_body(error)

    def _choice(self, index: int) -> _Choice:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice()
        return choice
