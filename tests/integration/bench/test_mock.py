"""The mock speaks HTTP as an upstream must, and the load generator notices when an answer is wrong."""

import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench import anthropic, messages
from bench.client import dechunk, stream_fault
from bench.load import Job, http_request
from bench.processes import BenchError, running, split_cores
from bench.rounds import send
from bench.targets import mock

CHAT = http_request(Job(1, "chat", 1, "key"))
STREAM = http_request(Job(1, "stream", 1, "key"))


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with mock(split_cores(), tmp_path_factory.mktemp("mock")) as target:
        yield target.chat_port


@pytest.fixture
def client(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connected:
        yield connected


def read_until(client: socket.socket, end: bytes, times: int = 1) -> bytes:
    data = b""
    while data.count(end) < times:
        received = client.recv(65_536)
        assert received, f"closed after {data!r}"
        data += received
    return data


def read_to_close(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(65_536), b""))


@pytest.mark.parametrize("cut", [1, 20, CHAT.index(b"\r\n\r\n") + 2, CHAT.index(b"\r\n\r\n") + 4, len(CHAT) - 1])
def test_a_request_may_arrive_in_pieces(client: socket.socket, cut: int) -> None:
    client.sendall(CHAT[:cut])
    client.sendall(CHAT[cut:])

    assert read_until(client, messages.answer_body()).startswith(b"HTTP/1.1 200 OK\r\n")


def test_pipelined_requests_are_answered_in_order(client: socket.socket) -> None:
    client.sendall(CHAT + STREAM + CHAT)

    answers = read_until(client, messages.answer_body(), times=2)

    assert answers.index(b"application/json") < answers.index(b"text/event-stream") < answers.index(b"[DONE]")


def test_a_stream_is_well_framed_and_paced(client: socket.socket) -> None:
    client.sendall(STREAM)
    head = read_until(client, b"\r\n\r\n")
    _, _, body = head.partition(b"\r\n\r\n")
    pieces = [body]
    while not pieces[-1].endswith(b"\r\n0\r\n\r\n"):
        pieces.append(client.recv(65_536))

    assert stream_fault(dechunk(b"".join(pieces))) is None
    assert len(pieces) > messages.CHUNKS // 2


def test_anthropics_format_has_a_path_of_its_own(client: socket.socket) -> None:
    path = (messages.PATH.encode(), anthropic.PATH.encode())
    client.sendall(CHAT.replace(*path) + STREAM.replace(*path))

    answers = read_until(client, b"0\r\n\r\n")

    assert answers.index(anthropic.answer_body()) < answers.index(b"event: message_start")
    assert answers.count(b"content_block_delta") == 2 * messages.CHUNKS
    assert answers.endswith(b'data: {"type":"message_stop"}\n\n\r\n0\r\n\r\n')


def test_connection_close_is_honoured(client: socket.socket) -> None:
    client.sendall(CHAT.replace(b"Accept:", b"Connection: close\r\nAccept:"))

    assert read_to_close(client).endswith(messages.answer_body())


@pytest.mark.parametrize(
    "wrong",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        CHAT.replace(b"/v1/", b"/v2/"),
        CHAT.replace(b"Content-Length", b"X-Length"),
        CHAT.replace(b'{"model"', b'["model"'),
    ],
)
def test_anything_else_is_refused_and_closed(client: socket.socket, wrong: bytes) -> None:
    client.sendall(wrong)

    assert read_to_close(client).startswith(b"HTTP/1.1 400 ")


def test_a_wrong_answer_voids_the_run(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench.load"]
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        running(command, pinned=split_cores().others, log=tmp_path / "load.log", piped=True) as load,
        ThreadPoolExecutor(1) as threads,
    ):
        sent = threads.submit(send, load, Job(server.getsockname()[1], "chat", 1, "key", requests=1))
        accepted, _ = server.accept()
        with accepted:
            accepted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            with pytest.raises(BenchError, match="wrong answer"):
                sent.result(30)
