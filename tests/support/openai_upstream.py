"""Scripts for upstreams that speak OpenAI's chat format, well or badly."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from support.upstream_faults import Connection, Script

USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}


def completion(text: str = "Paris", **changes: Any) -> bytes:
    """A complete answer's body."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "up-1", "choices": [choice]}
    return msgspec.json.encode({**body, "usage": USAGE, **changes})


def http(body: bytes, status: str = "200 OK", headers: str = "content-type: application/json\r\n") -> bytes:
    """A response with content-length."""
    return f"HTTP/1.1 {status}\r\n{headers}content-length: {len(body)}\r\n\r\n".encode() + body


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
DONE = chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"


def delta(content: str | None = None, finish: str | None = None, **fields: Any) -> bytes:
    """One server-sent event of a stream."""
    inner = {**({"content": content} if content is not None else {}), **fields}
    body: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "up-1",
        "choices": [{"index": 0, "delta": inner, "finish_reason": finish}],
    }
    return b"data: " + msgspec.json.encode(body) + b"\n\n"


def usage_event() -> bytes:
    """The last event of a stream with usage."""
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "up-1", "choices": []}
    return b"data: " + msgspec.json.encode({**body, "usage": USAGE}) + b"\n\n"


def stream_of(texts: Sequence[str]) -> list[bytes]:
    """The events of a whole stream, without its `[DONE]`."""
    return [delta("", role="assistant"), *map(delta, texts), delta(finish="stop"), usage_event()]


def answering(*responses: bytes) -> Script:
    """Answers the requests of each connection with these responses in turn, the last one again and again."""

    async def script(connection: Connection) -> None:
        number = 0
        while await connection.request() is not None:
            await connection.send(responses[min(number, len(responses) - 1)])
            number += 1

    return script


def streaming(texts: Sequence[str], *, pause_s: float = 0.0) -> Script:
    """Answers every request with a stream of these texts."""

    async def script(connection: Connection) -> None:
        while await connection.request() is not None:
            await connection.send(STREAM_HEAD)
            for event in stream_of(texts):
                await connection.send(chunk(event))
                if pause_s:
                    await asyncio.sleep(pause_s)
            await connection.send(DONE)

    return script
