"""The complete answer of Ollama's chat and generate API: canonical events to one object."""

from collections.abc import Sequence
from typing import Any, Final

from kaigate.chat.events import (
    ChatEvent,
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
from kaigate.errors import GatewayError
from kaigate.surfaces.ollama_error import error_body
from kaigate.surfaces.ollama_parts import (
    Form,
    ToolCalls,
    body,
    created_at,
    encode_json,
    ending,
    require_one_choice,
    with_provider,
)


class CompleteAnswer:
    """Collects the events of one answer; `end` returns the body.

    A refusal is text, since Ollama has no other place for it; citations and signatures have none at all. An untouched
    upstream body given to `relay` goes out as it came, with `provider` added.
    """

    content_type: bytes = b"application/json"

    def __init__(self, form: Form, *, provider: str) -> None:
        self._form: Final[Form] = form
        self._provider: Final = provider
        self._raw: bytes | None = None
        self._start: Start | None = None
        self._usage: UsageReport | None = None
        self._reason: FinishReason = "stop"
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._calls = ToolCalls()
        self._logprobs: list[dict[str, Any]] = []

    def feed(self, events: Sequence[ChatEvent]) -> bytes:
        """Collect; nothing goes out before the answer is complete."""
        for event in events:
            require_one_choice(event)
            if isinstance(event, TextDelta | RefusalDelta):
                self._text.append(event.text)
            elif isinstance(event, ReasoningDelta):
                self._thinking.append(event.text)
            elif isinstance(event, ToolCallStart):
                self._calls.start(event.index, event.id, event.name)
            elif isinstance(event, ToolCallDelta):
                self._calls.extend(event.index, event.arguments)
            elif isinstance(event, LogprobsDelta):
                self._logprobs.extend(event.content or ())
            elif isinstance(event, Start):
                self._start = event
            elif isinstance(event, Finish):
                self._reason = event.reason
            elif isinstance(event, UsageReport):
                self._usage = event
        return b""

    def relay(self, frame: Frame) -> bytes:
        """Keep an exact upstream body for `end`."""
        self._raw = frame.raw
        return b""

    def end(self) -> bytes:
        """The body; raises `UpstreamFailedError` for a tool call that Ollama's form can't hold."""
        if self._raw is not None:
            return with_provider(b'"provider":' + encode_json(self._provider) + b",", self._raw)
        start = self._start or Start("", "", 0)
        calls = self._calls.take(cut=self._reason == "length")
        return encode_json(
            {
                "model": start.model,
                "created_at": created_at(start.created),
                "provider": self._provider,
                **body(self._form, "".join(self._text), "".join(self._thinking), calls, self._logprobs),
                **ending(self._reason, self._usage.usage if self._usage is not None else None),
            }
        )

    def fail(self, error: GatewayError) -> bytes:
        """The error in place of the body: nothing of the answer has gone out."""
        return error_body(error)
