"""A scripted upstream for the compatibility matrix: any provider's wire format, over a real socket.

What speaks a format is a `Format` (support/matrix_openai.py and its like). It is strict: a request that breaks the
format is an error of the test, not an answer.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import msgspec

from support.openai_upstream import chunk, http
from support.upstream_faults import Connection

PNG: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PIECES: Final = ("The capital of France ", "is, as everybody ", "knows, Par", "is.")
TEXT: Final = "".join(PIECES)
THOUGHTS: Final = ("A question about ", "a capital city.")
THOUGHT: Final = "".join(THOUGHTS)
TOOL: Final = "weather"
ARGUMENTS: Final = {"city": "Bern"}
ARGUMENT_PIECES: Final = ('{"ci', 'ty":"Be', 'rn"}')
INPUT_TOKENS: Final = 12
OUTPUT_TOKENS: Final = 7
DETAIL: Final = "private detail of the upstream"
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Said:
    """What an answer says; `forced` names the tool that the request made the model call to answer in JSON."""

    text: bool = True
    thinks: bool = False
    calls: bool = False
    json: bool = False
    forced: str | None = None


class Format(Protocol):
    """One provider's wire format."""

    content_type: str
    credentials: tuple[bytes, ...]
    """How a header with a credential begins; each request has one."""

    def path(self, model: str, *, stream: bool) -> str:
        """Where such a request goes, with the base path."""

    def asked(self, body: dict[str, Any], *, model: str, stream: bool) -> set[str]:
        """The features that a request asks for; raises where the request breaks the format."""

    def said(self, body: dict[str, Any]) -> Said:
        """What a model would answer to it."""

    def whole(self, said: Said, model: str) -> bytes:
        """A complete answer's body."""

    def stream(self, said: Said, model: str) -> Sequence[bytes]:
        """The events of a streamed answer; the first `begun` of them end within its text."""

    def begun(self, said: Said, model: str) -> Sequence[bytes]:
        """The events up to somewhere within the text."""

    def failure(self) -> bytes:
        """An event that reports a failure within a stream."""

    def refusals(self) -> Sequence[tuple[str, str, bytes, int]]:
        """Answers of a server that refuses or fails: status line, headers, body, the gateway's own status."""


@dataclass
class Script:
    """One upstream: what it does with the next requests, and what those asked for.

    `mode` is `answer`, `refuse` (with `refusal`), or how a stream breaks off after some text: `fail`, `end`, `cut`,
    `wait` (until the gateway leaves).
    """

    format: Format
    model: str
    mode: str = "answer"
    refusal: int = 0
    asked: list[set[str]] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, connection: Connection) -> None:
        while (request := await connection.request()) is not None:
            head, _, raw = request.partition(b"\r\n\r\n")
            body = msgspec.json.decode(raw)
            stream = self._check(head, body)
            said = self.format.said(body)
            if self.mode == "refuse":
                status, headers, answer, _ = self.format.refusals()[self.refusal]
                await connection.send(http(answer, status, f"content-type: application/json\r\n{headers}"))
            elif not stream:
                await connection.send(http(self.format.whole(said, self.model)))
            elif self.mode == "answer":
                pieces = self.format.stream(said, self.model)
                await connection.send(self._head() + b"".join(map(chunk, pieces)) + b"0\r\n\r\n")
            else:
                await self._break_off(connection, said)
                return

    def _check(self, head: bytes, body: dict[str, Any]) -> bool:
        """Whether it asks for a stream."""
        assert sum(head.lower().count(b"\r\n" + each) for each in self.format.credentials) == 1
        _, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        streams = [stream for stream in (True, False) if self.format.path(self.model, stream=stream) == path]
        assert streams, f"no such route: {path}"
        stream = streams[0] if len(streams) == 1 else bool(body.get("stream"))
        self.asked.append(self.format.asked(body, model=self.model, stream=stream))
        return stream

    def _head(self) -> bytes:
        fields = f"content-type: {self.format.content_type}\r\ntransfer-encoding: chunked\r\n"
        return f"HTTP/1.1 200 OK\r\n{fields}\r\n".encode()

    async def _break_off(self, connection: Connection, said: Said) -> None:
        await connection.send(self._head() + b"".join(map(chunk, self.format.begun(said, self.model))))
        if self.mode == "fail":
            await connection.send(chunk(self.format.failure()) + b"0\r\n\r\n")
        elif self.mode == "end":
            await connection.send(b"0\r\n\r\n")
        elif self.mode == "cut":
            connection.reset()
        else:
            await connection.reader.read()
            self.left.set()
