"""The complete answer of `POST /v1/chat/completions`: canonical events to one `chat.completion` object."""

from collections.abc import Sequence
from typing import Any, Final

from kaigate.chat.events import (
    AnnotationsDelta,
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
from kaigate.surfaces.openai_chat_parts import SERVICE_TIERS, Logprobs, encode_json, join_logprobs, wire_usage
from kaigate.surfaces.openai_error import error_body


class _ToolCall:
    """One tool call while its arguments arrive."""

    def __init__(self, call_id: str, name: str) -> None:
        self.id = call_id
        self.name = name
        self.arguments: list[str] = []


class _Choice:
    """One choice while its parts arrive."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.refusal: list[str] = []
        self.tools: dict[int, _ToolCall] = {}
        self.logprobs: Logprobs | None = None
        self.annotations: list[dict[str, Any]] = []
        self.reason: FinishReason = "stop"


class CompleteAnswer:
    """Collects the events of one answer; `end` returns the body.

    An untouched upstream body given to `relay` goes out as it came, with `provider` added.
    """

    content_type: bytes = b"application/json"

    def __init__(self, *, provider: str, legacy_functions: bool = False) -> None:
        self._provider: Final = provider
        self._legacy: Final = legacy_functions
        self._raw: bytes | None = None
        self._start: Start | None = None
        self._usage: UsageReport | None = None
        self._choices: dict[int, _Choice] = {}

    def feed(self, events: Sequence[ChatEvent]) -> bytes:
        """Collect; nothing goes out before the answer is complete."""
        for event in events:
            if isinstance(event, Start):
                self._start = event
            elif isinstance(event, UsageReport):
                self._usage = event
            elif isinstance(
                event,
                TextDelta
                | ReasoningDelta
                | RefusalDelta
                | ToolCallStart
                | ToolCallDelta
                | LogprobsDelta
                | AnnotationsDelta
                | Finish,
            ):
                choice = self._choices.get(event.choice)
                if choice is None:
                    choice = self._choices[event.choice] = _Choice()
                _collect(choice, event)
        return b""

    def relay(self, frame: Frame) -> bytes:
        """Keep an exact upstream body for `end`, unless the client's form differs from the upstream's."""
        if self._legacy or not frame.raw.startswith(b"{"):
            return self.feed(frame.events)
        self._raw = frame.raw
        return b""

    def end(self) -> bytes:
        """The body."""
        if self._raw is not None:
            return b'{"provider":' + encode_json(self._provider) + b"," + self._raw[1:]
        start = self._start or Start("", "", 0)
        body: dict[str, Any] = {
            "id": start.id,
            "object": "chat.completion",
            "created": start.created,
            "model": start.model,
            "provider": self._provider,
            "choices": [_wire_choice(index, self._choices[index], self._legacy) for index in sorted(self._choices)],
        }
        if self._usage is not None:
            body["usage"] = wire_usage(self._usage.usage)
        if start.system_fingerprint is not None:
            body["system_fingerprint"] = start.system_fingerprint
        if start.service_tier in SERVICE_TIERS:
            body["service_tier"] = start.service_tier
        return encode_json(body)

    def fail(self, error: GatewayError) -> bytes:
        """The error in place of the body: nothing of the answer has gone out."""
        return error_body(error)


def _collect(
    choice: _Choice,
    event: TextDelta
    | ReasoningDelta
    | RefusalDelta
    | ToolCallStart
    | ToolCallDelta
    | LogprobsDelta
    | AnnotationsDelta
    | Finish,
) -> None:
    if isinstance(event, TextDelta):
        choice.text.append(event.text)
    elif isinstance(event, ReasoningDelta):
        choice.reasoning.append(event.text)
    elif isinstance(event, RefusalDelta):
        choice.refusal.append(event.text)
    elif isinstance(event, ToolCallStart):
        choice.tools[event.index] = _ToolCall(event.id, event.name)
    elif isinstance(event, ToolCallDelta):
        choice.tools[event.index].arguments.append(event.arguments)
    elif isinstance(event, Finish):
        choice.reason = event.reason
    elif isinstance(event, AnnotationsDelta):
        choice.annotations.extend(event.annotations)
    else:
        choice.logprobs = join_logprobs(choice.logprobs, event)


def _wire_choice(index: int, choice: _Choice, legacy: bool) -> dict[str, Any]:
    refusal = "".join(choice.refusal) or None
    text = "".join(choice.text)
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if not text and (choice.tools or refusal) else text,
        "refusal": refusal,
    }
    if choice.reasoning:
        message["reasoning_content"] = "".join(choice.reasoning)
    if choice.annotations:
        message["annotations"] = choice.annotations
    reason: str = choice.reason
    if choice.tools:
        calls = [choice.tools[at] for at in sorted(choice.tools)]
        if legacy:  # the deprecated form knows one call
            message["function_call"] = {"name": calls[0].name, "arguments": "".join(calls[0].arguments)}
            reason = "function_call" if reason == "tool_calls" else reason
        else:
            message["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": "".join(call.arguments)},
                }
                for call in calls
            ]
    return {"index": index, "message": message, "logprobs": choice.logprobs, "finish_reason": reason}
