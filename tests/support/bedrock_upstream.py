"""A scripted Bedrock on loopback that lets in only what botocore would have signed in the same way."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import msgspec
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from support.aws_event_stream import event
from support.openai_upstream import chunk, http
from support.upstream_faults import Connection, upstream

REGION = "eu-west-1"
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\ntransfer-encoding: chunked\r\n\r\n"
)
USAGE = {"inputTokens": 5, "outputTokens": 2, "totalTokens": 7}


@dataclass(frozen=True)
class Keys:
    """What may sign."""

    access_key_id: str
    secret: str = field(repr=False)
    token: str | None = None


@dataclass
class Asked:
    """One request whose signature is right."""

    path: str
    body: Any
    access_key_id: str
    headers: dict[str, str]


@dataclass
class Bedrock:
    """`answer` gives the bytes for each request in turn; `asked` are those that were let in."""

    keys: dict[str, Keys]
    answer: Callable[[Asked], Sequence[bytes]]
    asked: list[Asked] = field(default_factory=list)
    refused: int = 0
    port: int = 0

    def take(self, request: bytes) -> Sequence[bytes]:
        """What is answered to a raw request: 403 where the signature is not botocore's."""
        head, _, body = request.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        key = headers.get("authorization", "").partition("Credential=")[2].partition("/")[0]
        known = self.keys.get(key)
        if known is None or signed_by_botocore(method, path, headers, body, known) != headers["authorization"]:
            self.refused += 1
            return [failed("403 Forbidden", "InvalidSignatureException", "secret detail of the signature")]
        asked = Asked(path, msgspec.json.decode(body), key, headers)
        self.asked.append(asked)
        return self.answer(asked)


def signed_by_botocore(method: str, path: str, headers: dict[str, str], body: bytes, keys: Keys) -> str:
    """The Authorization header that botocore makes for this request, at the time that it names."""
    request = AWSRequest(method=method, url=f"http://{headers['host']}{path}", data=body)
    names = headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    for name in names:
        if name not in {"host", "x-amz-date", "x-amz-security-token"}:
            request.headers[name] = headers[name]
    when = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    signer = SigV4Auth(Credentials(keys.access_key_id, keys.secret, keys.token), "bedrock", REGION)
    with patch("botocore.auth.get_current_datetime", lambda *_, **__: when.replace(tzinfo=None)):
        signer.add_auth(request)
    return str(request.headers["Authorization"])


@asynccontextmanager
async def bedrock(answer: Callable[[Asked], Sequence[bytes]], *keys: Keys) -> AsyncIterator[Bedrock]:
    """The server while it runs. An answer of several parts ends the connection, whole or not."""
    state = Bedrock({each.access_key_id: each for each in keys}, answer)

    async def script(connection: Connection) -> None:
        while (request := await connection.request()) is not None:
            parts = state.take(request)
            for part in parts:
                await connection.send(part)
            if len(parts) > 1:
                return

    async with upstream(script) as up:
        state.port = up.port
        yield state


def failed(status: str, kind: str, text: str) -> bytes:
    """An error answer of AWS."""
    headers = f"content-type: application/json\r\nx-amzn-errortype: {kind}:http://internal.amazon.com/x/\r\n"
    return http(msgspec.json.encode({"message": text}), status, headers)


def whole(*content: Any, stop: str = "end_turn") -> bytes:
    """An answer of Converse with these blocks."""
    body = {
        "output": {"message": {"role": "assistant", "content": list(content)}},
        "stopReason": stop,
        "usage": USAGE,
        "metrics": {"latencyMs": 7},
    }
    return http(msgspec.json.encode(body))


def text_frames(*texts: str) -> list[bytes]:
    """The messages of a stream with this text."""
    deltas = [event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": text}}) for text in texts]
    return [event("messageStart", {"role": "assistant"}), *deltas, *_end(0, "end_turn")]


def call_frames(name: str, *fragments: str) -> list[bytes]:
    """The messages of a stream with one tool call."""
    start = {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "call_1", "name": name}}}
    deltas = [
        event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": fragment}}})
        for fragment in fragments
    ]
    return [
        event("messageStart", {"role": "assistant"}),
        event("contentBlockStart", start),
        *deltas,
        *_end(0, "tool_use"),
    ]


def _end(block: int, stop: str) -> list[bytes]:
    return [
        event("contentBlockStop", {"contentBlockIndex": block}),
        event("messageStop", {"stopReason": stop}),
        event("metadata", {"usage": USAGE, "metrics": {"latencyMs": 7}}),
    ]


def streamed(frames: Sequence[bytes], *, end: bool = True) -> list[bytes]:
    """A streamed answer; without its `end` the connection is cut behind the last frame."""
    return [STREAM_HEAD, *(chunk(frame) for frame in frames), *([b"0\r\n\r\n"] if end else [])]
