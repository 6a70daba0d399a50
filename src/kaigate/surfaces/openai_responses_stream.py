"""The streamed answer of `POST /v1/responses`: canonical events to typed, numbered events (SSE).

Source: OpenAI API reference, "Responses streaming". There is no `[DONE]`: `response.completed` or `response.incomplete`
ends a stream that is whole.
"""

from collections.abc import Sequence
from typing import Any, Final

from kaigate.chat.events import ChatEvent, Finish, Frame, Start, TextDelta, UsageReport
from kaigate.chat.request import ChatRequest
from kaigate.chat.usage import Usage
from kaigate.errors import GatewayError, UpstreamFailedError
from kaigate.surfaces.openai_chat_parts import encode_json
from kaigate.surfaces.openai_responses_echo import echo_of
from kaigate.surfaces.openai_responses_object import (
    ResponseStatus,
    answer_key,
    final_status,
    request_fields,
    response_object,
)
from kaigate.surfaces.openai_responses_output import Output

_TEXT: Final = b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","item_id":'


class StreamedResponse:
    """Writes one answer as server-sent events.

    The stream begins with its first content, so that an upstream that fails before it can still be replaced. `provider`
    is in the response of the first two events and of the last one.
    """

    content_type: bytes = b"text/event-stream; charset=utf-8"

    def __init__(self, request: ChatRequest, *, provider: str) -> None:
        self._echo: Final = echo_of(request)
        self._request: Final = request
        self._provider: Final = provider
        self._fields: dict[str, Any] = {}
        self._start = Start("", "", 0)
        self._key = ""
        self._output: Output | None = None
        self._begun = False
        self._sequence = 0
        self._out: list[bytes] = []
        self._text_head = b""
        self._texts: list[str] = []
        self._finish: Finish | None = None
        self._usage: Usage | None = None

    def feed(self, events: Sequence[ChatEvent]) -> bytes:
        """Events of the stream for these events."""
        output = self._output
        if len(events) == 1 and self._text_head and output is not None:
            event = events[0]
            if type(event) is TextDelta and event.text and event.choice == 0:
                text = event.text
                output.take(len(text))
                self._texts.append(text)
                self._sequence += 1
                return self._text_head + b'%d,"delta":%b}\n\n' % (self._sequence - 1, encode_json(text))
        self._text_head = b""
        for event in events:
            self._add(event)
        self._remember_text()
        out, self._out = self._out, []
        return b"".join(out)

    def relay(self, frame: Frame) -> bytes:
        """Encode anew: fields that events must have are left out by some servers."""
        return self.feed(frame.events)

    def end(self) -> bytes:
        """The last event, with the whole response."""
        if self._finish is None:
            return self.fail(UpstreamFailedError("upstream_error", "The model server's answer has no end."))
        reason = self._finish.reason
        status = final_status(reason)
        self._emit(f"response.{status}", {"response": self._response(status)})
        out, self._out = self._out, []
        return b"".join(out)

    def fail(self, error: GatewayError) -> bytes:
        """The error as the stream's last event; nothing says that the response is complete.

        Its fields are there twice: flat, as the reference has them, and in `error`, where official clients look.
        """
        flat = {"code": error.code, "message": error.message, "param": error.param}
        self._emit("error", {**flat, "error": {"type": error.type, **flat}})
        out, self._out = self._out, []
        return b"".join(out)

    def _add(self, event: ChatEvent) -> None:
        if isinstance(event, Start):
            self._start, self._key = event, answer_key(event)
            self._output = Output(
                self._key,
                self._announce,
                encrypted=self._echo.encrypted,
                logprobs=bool(self._request.sampling.logprobs),
            )
            return
        if isinstance(event, UsageReport):
            self._usage = event.usage
            return
        if self._output is None:
            raise UpstreamFailedError("upstream_error", "The model server's answer has no beginning.")
        if isinstance(event, Finish):
            self._begin()
            self._finish = event
        self._output.add(event)

    def _announce(self, kind: str, fields: dict[str, Any]) -> None:
        self._begin()
        self._emit(kind, fields)

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            self._fields = request_fields(self._request, self._echo)
            response = self._response("in_progress")
            self._emit("response.created", {"response": response})
            self._emit("response.in_progress", {"response": response})

    def _emit(self, kind: str, fields: dict[str, Any]) -> None:
        data = encode_json({"type": kind, "sequence_number": self._sequence, **fields})
        self._sequence += 1
        self._out.append(b"event: %b\ndata: %b\n\n" % (kind.encode(), data))

    def _response(self, status: ResponseStatus) -> dict[str, Any]:
        output = self._output
        return response_object(
            self._key,
            self._start,
            status,
            [] if output is None or status == "in_progress" else output.wire(),
            provider=self._provider,
            fields=self._fields,
            reason=self._finish.reason if self._finish is not None else None,
            usage=self._usage if status != "in_progress" else None,
        )

    def _remember_text(self) -> None:
        """Prepare the bytes before the next piece of text, which most of a stream consists of."""
        place = self._output.open_text() if self._output is not None and self._finish is None else None
        if place is not None:
            message, part = place
            self._texts = part.texts
            self._text_head = _TEXT + b'%b,"output_index":%d,"content_index":%d,"logprobs":[],"sequence_number":' % (
                encode_json(message.id),
                message.at,
                part.index,
            )
