"""A call sends what its curl command sends, and reads answers and streams."""

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.call import Call, send, stream


class Upstream(BaseHTTPRequestHandler):
    """Answers what the server object says and keeps the last request."""

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.server.seen = (self.path, dict(self.headers), self.rfile.read(length))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@contextmanager
def upstream(answer: bytes, status: int = 200) -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Upstream) as server:
        server.answer, server.status, server.seen = answer, status, None
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def call_to(server: HTTPServer, **body: object) -> Call:
    return Call(f"http://127.0.0.1:{server.server_port}/v1/chat/completions", body, "kg-1")


@given(text=st.text(), key=st.none() | st.from_regex(r"[!-~]{8,20}", fullmatch=True))
def test_the_command_carries_url_headers_and_body_of_the_call(text: str, key: str | None) -> None:
    text = text.replace("\0", "")  # a command line can't carry NUL, and json.dumps escapes it anyway
    call = Call("http://127.0.0.1:4000/v1/chat/completions", {"text": text}, key)
    program, flags, url, *options = shlex.split(call.curl().replace("\\\n", ""))
    assert (program, flags, url) == ("curl", "-sS", call.url)
    assert options[-2] == "-d"
    assert json.loads(options[-1]) == {"text": text}
    headers = dict(option.split(": ", 1) for option in options[1:-2:2])
    assert headers == call.headers()


def test_a_streaming_command_does_not_buffer() -> None:
    assert Call("http://h/", {"stream": True}).curl().startswith("curl -sSN ")


def test_send_delivers_the_body_and_reads_the_answer() -> None:
    with upstream(json.dumps({"choices": [{"message": {"content": "hi"}}]}).encode()) as server:
        answer = send(call_to(server, question="é"))
    path, headers, body = server.seen
    assert (path, headers["Authorization"], json.loads(body)) == (
        "/v1/chat/completions",
        "Bearer kg-1",
        {"question": "é"},
    )
    assert (answer.status, answer.text()) == (200, "hi")


def test_an_error_answer_has_no_text() -> None:
    with upstream(b'{"error": {"code": "x"}}', 404) as server:
        answer = send(call_to(server))
    assert (answer.status, answer.text()) == (404, "")


def test_an_answer_that_is_no_object_is_an_error() -> None:
    with upstream(b"[]") as server, pytest.raises(ValueError, match="not a JSON object"):
        send(call_to(server)).text()


def test_a_stream_yields_the_pieces_until_done() -> None:
    events = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: {"choices":[]}\n\ndata: [DONE]\n\ndata: {}\n\n'
    with upstream(events) as server:
        assert list(stream(call_to(server, stream=True))) == ["a", ""]


def test_a_refused_stream_is_an_error_with_the_refusal() -> None:
    with upstream(b'{"error": "no"}', 401) as server, pytest.raises(ValueError, match=r"status 401: .*no"):
        list(stream(call_to(server, stream=True)))


def test_a_stream_without_done_is_an_error() -> None:
    with upstream(b'data: {"choices":[]}\n\n', 200) as server, pytest.raises(ValueError, match="DONE"):
        list(stream(call_to(server, stream=True)))
