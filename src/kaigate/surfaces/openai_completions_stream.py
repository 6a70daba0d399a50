"""The streamed answer of `POST /v1/completions`: canonical events to `text_completion` chunks (SSE).

`finish_reason` is null until a choice ends, as OpenAI sends it. A refusal is text here; reasoning and citations have no
place in the format.
"""

from collections.abc import Sequence
from typing import Any, Final

from kaigate.chat.events import (
    ChatEvent,
    Finish,
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

_TEXT_END: Final = b',"index":0,"logprobs":null,"finish_reason":null}]}\n\n'


class StreamedCompletion:
    """Writes one answer as server-sent events.

    `provider` goes out in the first and the last chunk; usage only if the client asked, in a chunk of its own; `[DONE]`
    only from `end`.
    """

    content_type: bytes = b"text/event-stream; charset=utf-8"

    def __init__(self, *, provider: str, include_usage: bool, choices: int = 1) -> None:
        self._provider: Final = b'"provider":' + encode_json(provider) + b","
        self._include_usage: Final = include_usage
        self._unfinished = choices
        self._head = b'data: {"object":"text_completion",'
        self._first = True
        self._legacy: dict[int, LegacyLogprobs] = {}
        self._usage: UsageReport | None = None

    def feed(self, events: Sequence[ChatEvent]) -> bytes:
        """Chunks for these events; neighbouring texts of one choice share a chunk."""
        if len(events) == 1 and not self._first:
            event = events[0]
            if type(event) is TextDelta and event.choice == 0 and event.text:
                return self._head + b'"choices":[{"text":' + encode_json(event.text) + _TEXT_END
        out: list[bytes] = []
        choice, texts, logprobs = 0, "", None
        for event in events:
            if isinstance(event, Start):
                self._head = b"data: " + encode_json(head(event))[:-1] + b","
            elif isinstance(event, UsageReport):
                self._usage = event
            elif isinstance(event, TextDelta | RefusalDelta | LogprobsDelta | Finish):
                if event.choice != choice:
                    self._write(out, choice, texts, logprobs)
                    choice, texts, logprobs = event.choice, "", None
                if isinstance(event, LogprobsDelta):
                    legacy = self._legacy.setdefault(choice, LegacyLogprobs())
                    logprobs = joined(logprobs, legacy.take(event))
                elif isinstance(event, Finish):
                    self._write(out, choice, texts, logprobs)
                    texts, logprobs = "", None
                    self._finish(out, event)
                else:
                    texts += event.text
        self._write(out, choice, texts, logprobs)
        return b"".join(out)

    def relay(self, frame: Frame) -> bytes:
        """Encode anew: no upstream is asked for this format."""
        return self.feed(frame.events)

    def end(self) -> bytes:
        """The usage chunk if the client asked for it, then `[DONE]`."""
        done = b"data: [DONE]\n\n"
        if not self._include_usage or self._usage is None:
            return done
        usage = encode_json(wire_usage(self._usage.usage))
        return self._head + self._provider + b'"choices":[],"usage":' + usage + b"}\n\n" + done

    def fail(self, error: GatewayError) -> bytes:
        """The error as the stream's last event; no `[DONE]` follows."""
        return b"data: " + error_body(error) + b"\n\n"

    def _write(self, out: list[bytes], choice: int, text: str, logprobs: dict[str, Any] | None) -> None:
        if text or logprobs is not None:
            out.append(self._chunk(choice, text, logprobs, None, last=False))

    def _finish(self, out: list[bytes], event: Finish) -> None:
        self._unfinished -= 1
        last = self._unfinished <= 0 and not self._include_usage
        out.append(self._chunk(event.choice, "", None, wire_reason(event.reason), last=last))

    def _chunk(
        self, choice: int, text: str, logprobs: dict[str, Any] | None, reason: str | None, *, last: bool
    ) -> bytes:
        provider = self._provider if self._first or last else b""
        self._first = False
        body = [{"text": text, "index": choice, "logprobs": logprobs, "finish_reason": reason}]
        return self._head + provider + b'"choices":' + encode_json(body) + b"}\n\n"
