"""The complete answer of `POST /v1/responses`: canonical events to one `response` object."""

from collections.abc import Sequence
from typing import Any, Final

from kaigate.chat.events import ChatEvent, Finish, Frame, Start, UsageReport
from kaigate.chat.request import ChatRequest
from kaigate.chat.usage import Usage
from kaigate.errors import GatewayError, UpstreamFailedError
from kaigate.surfaces.openai_chat_parts import encode_json
from kaigate.surfaces.openai_error import error_body
from kaigate.surfaces.openai_responses_echo import echo_of
from kaigate.surfaces.openai_responses_object import answer_key, final_status, request_fields, response_object
from kaigate.surfaces.openai_responses_output import Output


class CompleteResponse:
    """Collects the events of one answer; `end` returns the body."""

    content_type: bytes = b"application/json"

    def __init__(self, request: ChatRequest, *, provider: str) -> None:
        self._echo: Final = echo_of(request)
        self._request: Final = request
        self._provider: Final = provider
        self._start = Start("", "", 0)
        self._key = ""
        self._output: Output | None = None
        self._finish = Finish("stop")
        self._usage: Usage | None = None

    def feed(self, events: Sequence[ChatEvent]) -> bytes:
        """Collect; nothing goes out before the answer is complete."""
        for event in events:
            if isinstance(event, Start):
                self._start, self._key = event, answer_key(event)
                self._output = Output(
                    self._key,
                    _announce_nothing,
                    encrypted=self._echo.encrypted,
                    logprobs=bool(self._request.sampling.logprobs),
                )
            elif isinstance(event, UsageReport):
                self._usage = event.usage
            else:
                if isinstance(event, Finish):
                    self._finish = event
                if self._output is None:
                    raise UpstreamFailedError("upstream_error", "The model server's answer has no beginning.")
                self._output.add(event)
        return b""

    def relay(self, frame: Frame) -> bytes:
        """Encode anew: fields that a response must have are left out by some servers."""
        return self.feed(frame.events)

    def end(self) -> bytes:
        """The body."""
        return encode_json(
            response_object(
                self._key,
                self._start,
                final_status(self._finish.reason),
                [] if self._output is None else self._output.wire(),
                provider=self._provider,
                fields=request_fields(self._request, self._echo),
                reason=self._finish.reason,
                usage=self._usage,
            )
        )

    def fail(self, error: GatewayError) -> bytes:
        """The error in place of the body: nothing of the answer has gone out."""
        return error_body(error)


def _announce_nothing(_kind: str, _fields: dict[str, Any]) -> None:
    """An answer that is not streamed announces nothing of its parts."""
