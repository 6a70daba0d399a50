"""An upstream of every format that throws the credentials it was sent back at the gateway, wherever it can."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from support.aws_event_stream import event, exception

WAYS = ("ok", "400", "401", "403", "404", "429", "500", "529", "nonsense", "field", "redirect", "head", "break", "cut")
"""How it answers a request whose text holds `way:NAME`."""


@dataclass
class EchoingUpstream:
    """Where it listens, the values of the header fields that it was sent, and the end of each path with each way."""

    port: int
    fields: set[str] = field(default_factory=set)
    asked: set[tuple[str, str]] = field(default_factory=set)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class's own
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer(500, json.dumps({"error": {"message": self._echo()}}).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        _, _, rest = body.partition(b"way:")
        way = rest.split(b";")[0].decode()
        self._note(way)
        if way.isdigit():
            self._answer(int(way), json.dumps(self._error()).encode())
        elif way == "nonsense":
            self._answer(200, b"<html>" + self._echo().encode())
        elif way == "field":
            self._answer(200, json.dumps({**self._error(), "model": [self._echo()], self._echo(): 1}).encode())
        elif way == "redirect":
            self._answer(302, b"", location=f"http://127.0.0.1:9/{self.headers.get('authorization', '')}")
        elif way == "head":
            self.wfile.write(f"HTTP/1.1 2{self._echo()} OK\r\n{self._echo()}\r\n\r\n".encode("latin-1"))
            self.close_connection = True
        else:
            self._begin(way)

    def _note(self, way: str) -> None:
        seen: EchoingUpstream = self.server.seen  # type: ignore[attr-defined]
        seen.fields.update(self.headers.values())
        *_, above, last = self.path.split("/")
        seen.asked.add((f"{above}/{last}" if last == "completions" else last, way))

    def _echo(self) -> str:
        return " ".join(self.headers.values())

    def _error(self) -> dict[str, object]:
        said = {"type": self._echo(), "code": self._echo(), "message": f"Bad key: {self._echo()}", "param": "model"}
        return {"type": "error", "error": said, "message": self._echo(), "__type": self._echo()}

    def _answer(self, status: int, body: bytes, *, kind: str = "application/json", location: str = "") -> None:
        self.send_response(status, self._echo())
        echoed = {name: self._echo() for name in ("x-request-id", "request-id", "www-authenticate", "x-amzn-requestid")}
        fields = {**echoed, "retry-after": self._echo(), "x-amzn-errortype": self._echo(), "content-type": kind}
        for name, value in {**fields, "location": location, "x-ratelimit-reset-requests": self._echo()}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _begin(self, way: str) -> None:
        """A whole stream, or its beginning and an error (`break`) or text that is no event (`cut`)."""
        kind, begun, ended, broken = _stream(self.path, self._echo(), self._error())
        last = {"ok": ended, "break": broken, "cut": self._echo().encode() + b"\n\n"}[way]
        self._answer(200, begun + last, kind=kind)


def _stream(path: str, echo: str, error: dict[str, object]) -> tuple[str, bytes, bytes, bytes]:
    """Content type, beginning, good end and bad end of a stream in the format of `path`."""
    if path.endswith("/api/chat"):
        line = {"model": "m", "created_at": "2025-01-01T00:00:00Z", "message": {"role": "assistant", "content": "ok"}}
        begun = json.dumps({**line, "done": False}).encode() + b"\n"
        done = json.dumps({**line, "done": True, "done_reason": "stop", "prompt_eval_count": 1, "eval_count": 1})
        return "application/x-ndjson", begun, done.encode() + b"\n", json.dumps({"error": echo}).encode() + b"\n"
    if "/model/" in path:
        start = event("messageStart", {"role": "assistant"})
        begun = start + event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "ok"}})
        usage = {"usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}, "metrics": {"latencyMs": 1}}
        ended = event("contentBlockStop", {"contentBlockIndex": 0}) + event("messageStop", {"stopReason": "end_turn"})
        bad = exception("validationException", echo)
        return "application/vnd.amazon.eventstream", begun, ended + event("metadata", usage), bad
    if path.endswith("/v1/messages"):
        head = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": []}
        begun = _sse({"type": "message_start", "message": {**head, "usage": {"input_tokens": 1, "output_tokens": 1}}})
        begun += _sse({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
        begun += _sse({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "ok"}})
        ended = _sse({"type": "content_block_stop", "index": 0})
        ended += _sse({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}})
        return "text/event-stream", begun, ended + _sse({"type": "message_stop"}), _sse(error)
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    begun = _sse({**chunk, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "ok"}}]})
    ended = _sse({**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}) + b"data: [DONE]\n\n"
    return "text/event-stream", begun, ended, _sse(error)


def _sse(data: dict[str, object]) -> bytes:
    return f"event: {str(data.get('type', ''))[:20]}\ndata: {json.dumps(data)}\n\n".encode()


@contextmanager
def echoing_upstream() -> Iterator[EchoingUpstream]:
    """Serve until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    seen = EchoingUpstream(server.server_address[1])
    server.seen = seen  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
