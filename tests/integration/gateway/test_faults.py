"""Every way an upstream or a client can fail has a defined answer, and nothing is left behind."""

import asyncio
import gc
import os
import socket
from pathlib import Path

import pytest

from support.gateway import call, chat, post, read_answer, running, settings
from support.openai_upstream import (
    DONE,
    STREAM_HEAD,
    answering,
    chunk,
    completion,
    delta,
    http,
    stream_of,
    streaming,
)
from support.upstream_faults import Connection, upstream

QUICK = {"first_byte_timeout_s": 0.3, "idle_timeout_s": 0.3, "timeout_s": 1.0, "connect_timeout_s": 0.5}


def sending(*parts: bytes, then: str = "close"):
    """Sends these bytes after the first request, then closes, resets or hangs."""

    async def script(connection: Connection) -> None:
        await connection.request()
        for part in parts:
            await connection.send(part)
        if then == "reset":
            connection.reset()
        elif then == "hang":
            await asyncio.sleep(30)

    return script


def dripping(part: bytes, pause_s: float, head: bytes = b""):
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(head)
        while True:
            await connection.send(part)
            await asyncio.sleep(pause_s)

    return script


HALF = http(completion())[:-20]
BEGUN = STREAM_HEAD + chunk(delta("", role="assistant")) + chunk(delta("Hello wor"))

BEFORE_THE_FIRST_BYTE = {
    "silent": (sending(then="hang"), 504, "upstream_timeout"),
    "closed without a byte": (sending(), 502, "upstream_error"),
    "reset": (sending(then="reset"), 502, "upstream_error"),
    "killed mid-body": (sending(HALF), 502, "upstream_error"),
    "killed mid-body by reset": (sending(HALF, then="reset"), 502, "upstream_error"),
    "hangs mid-body": (sending(HALF, then="hang"), 504, "upstream_timeout"),
    "drips its head": (dripping(b"x", 0.05, b"HTTP/1.1 200 OK\r\nx: "), 504, "upstream_timeout"),
    "drips its body": (dripping(b" ", 0.05, http(completion())[:-60]), 504, "upstream_timeout"),
    "10 MB header": (sending(b"HTTP/1.1 200 OK\r\nx: " + b"a" * 10_000_000 + b"\r\n\r\n"), 502, "upstream_error"),
    "content-length too long": (
        sending(http(completion()).replace(b"content-length: ", b"content-length: 9")), 502, "upstream_error",
    ),
    "two content-lengths": (
        sending(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!"), 502, "upstream_error",
    ),
    "length and chunks": (
        sending(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
        502, "upstream_error",
    ),
    "chunk garbage": (sending(STREAM_HEAD + b"ZZ\r\nnope\r\n"), 502, "upstream_error"),
    "not HTTP": (sending(b"SSH-2.0-OpenSSH_9\r\n"), 502, "upstream_error"),
    "compressed although not asked": (
        sending(http(b"\x1f\x8b\x08", headers="content-encoding: gzip\r\n")), 502, "upstream_error",
    ),
    "invalid UTF-8": (sending(http(b'{"choices":[{"message":{"content":"\xff"}}]}')), 502, "upstream_error"),
    "empty object": (sending(http(b"{}")), 502, "upstream_error"),
}  # fmt: skip


@pytest.mark.parametrize("fault", BEFORE_THE_FIRST_BYTE)
async def test_a_fault_before_the_first_byte_has_its_own_status(tmp_path, fault):
    script, status, code = BEFORE_THE_FIRST_BYTE[fault]
    async with upstream(script) as up, running(settings(up.port, providers={"up": QUICK}), tmp_path) as gateway:
        answer = await call(gateway, post(chat()), timeout_s=5)
        assert (answer.status, answer.code) == (status, code)
        assert gateway.records[-1]["error"] == code
        assert all(pool.in_use == 0 for pool in gateway.runtime.client.stats())


async def test_a_refused_connection_is_answered_at_once(tmp_path):
    async with upstream(answering(http(completion()))) as up:
        port = up.port
    async with running(settings(port, providers={"up": QUICK}), tmp_path) as gateway:
        answer = await call(gateway, post(chat()))
        assert (answer.status, answer.code) == (502, "upstream_error")


MID_STREAM = {
    "killed": (sending(BEGUN), "upstream_error"),
    "reset": (sending(BEGUN, then="reset"), "upstream_error"),
    "silent": (sending(BEGUN, then="hang"), "upstream_timeout"),
    "drips comments": (dripping(chunk(b": ping\n\n"), 0.05, BEGUN), "upstream_timeout"),
    "chunk garbage": (sending(BEGUN + b"ZZ\r\n"), "upstream_error"),
    "not JSON": (sending(BEGUN + chunk(b"data: {nope\n\n") + DONE), "upstream_error"),
    "unknown event": (sending(BEGUN + chunk(b'data: {"type":"surprise","text":"x"}\n\n') + DONE), "upstream_error"),
    "error event": (sending(BEGUN + chunk(b'data: {"error":{"message":"secret detail"}}\n\n')), "upstream_error"),
    "ends without its last event": (
        sending(STREAM_HEAD + chunk(delta("", role="assistant")) + chunk(delta("Hello wor")) + b"0\r\n\r\n"),
        "upstream_error",
    ),
    "endless event": (sending(BEGUN + chunk(b"data: " + b"x" * 20_000_000), then="hang"), "upstream_error"),
}  # fmt: skip


@pytest.mark.parametrize("fault", MID_STREAM)
async def test_a_fault_mid_stream_becomes_the_streams_last_event(tmp_path, fault):
    script, code = MID_STREAM[fault]
    async with upstream(script) as up, running(settings(up.port, providers={"up": QUICK}), tmp_path) as gateway:
        answer = await call(gateway, post(chat(stream=True)), timeout_s=8)
        assert answer.status == 200
        assert answer.complete
        assert answer.events[0]["choices"][0]["delta"]["role"] == "assistant"
        assert "[DONE]" not in answer.events
        assert answer.events[-1]["error"]["code"] == code
        assert b"secret detail" not in answer.body
        assert "Hello " in answer.text
        assert answer.text == "Hello wor"
        assert gateway.records[-1]["error"] == code
        assert gateway.records[-1]["usage_estimated"] is True


async def test_a_stale_connection_is_replaced_without_the_client_noticing(tmp_path):
    async def closing_after_each(connection: Connection) -> None:
        await connection.request()
        await connection.send(http(completion()))
        if connection.number == 0:
            # Idle for a moment, then gone just when the next request comes.
            await connection.reader.read(1)
            connection.reset()
        else:
            while await connection.request() is not None:
                await connection.send(http(completion()))

    async with upstream(closing_after_each) as up, running(settings(up.port), tmp_path) as gateway:
        for _ in range(3):
            assert (await call(gateway, post(chat()))).status == 200


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_200_clients_that_leave_mid_stream_leave_nothing_behind(tmp_path):
    async with (
        upstream(streaming(["word "] * 200, pause_s=0.01)) as up,
        running(settings(up.port), tmp_path) as gateway,
    ):

        async def leave(number: int) -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(post(chat(stream=True)))
            if number % 4:
                await reader.readuntil(b"word")
            if number % 2:
                writer.transport.abort()
            else:
                writer.close()

        await leave(1)
        await asyncio.sleep(0.2)
        gc.collect()
        tasks, files = len(asyncio.all_tasks()), descriptors()
        for batch in range(10):
            await asyncio.gather(*(leave(batch * 20 + i) for i in range(20)))
        for _ in range(100):
            await asyncio.sleep(0.05)
            if gateway.runtime.lifecycle.running == 0 and up.open <= 1 and len(asyncio.all_tasks()) <= tasks:
                break
        stats = gateway.runtime.client.stats()
        assert gateway.runtime.lifecycle.running == 0
        assert [pool.in_use for pool in stats] == [0]
        assert up.open <= sum(pool.idle for pool in stats)
        assert len(asyncio.all_tasks()) <= tasks
        assert descriptors() <= files + 2
        assert gateway.sample("kaigate_client_disconnects_total") == 201
        assert {record["status"] for record in gateway.records} == {499}


async def test_a_client_that_leaves_before_the_answer_stops_the_upstream(tmp_path):
    async with upstream(sending(then="hang")) as up, running(settings(up.port), tmp_path) as gateway:
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(post(chat()))
        while up.connections == 0 or not up.requests:
            await asyncio.sleep(0.01)
        writer.transport.abort()
        for _ in range(100):
            await asyncio.sleep(0.02)
            if gateway.records:
                break
        assert gateway.records[0]["status"] == 499
        assert [pool.in_use for pool in gateway.runtime.client.stats()] == [0]


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1048576


async def test_100_parallel_streams_with_slow_readers_keep_memory_bounded(tmp_path):
    event = chunk(delta("some words of prose, " * 200))
    stop = asyncio.Event()

    async def flooding(connection: Connection) -> None:
        await connection.request()
        await connection.send(STREAM_HEAD)
        while not stop.is_set() and not connection.writer.is_closing():
            await connection.send(event)

    async with upstream(flooding) as up:
        async with running(settings(up.port, providers={"up": {"max_connections": 200}}), tmp_path) as gateway:
            gateway.server.limit_send_buffer(16_384)
            clients = [await slow_client(gateway.port, post(chat(stream=True))) for _ in range(100)]
            before = resident_mib()
            await asyncio.sleep(1.5)
            filled = resident_mib()
            await asyncio.sleep(1.5)
            settled = resident_mib()
            stop.set()
            for client in clients:
                client.close()
            assert len(up.requests) == 100
            assert filled - before < 200, "some buffers for each stream"
            assert settled - filled < 10, "and no more than that, however long it lasts"
            for _ in range(200):
                await asyncio.sleep(0.05)
                if gateway.runtime.lifecycle.running == 0:
                    break
            assert gateway.runtime.lifecycle.running == 0


async def slow_client(port: int, request: bytes) -> socket.socket:
    """A client that sends its request and never reads."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, ("127.0.0.1", port))
    await loop.sock_sendall(client, request)
    return client


async def test_a_client_that_takes_nothing_is_cut_off(tmp_path):
    async with upstream(streaming(["many words " * 9000] * 200)) as up:
        config = settings(up.port, server={"drain_delay_s": 0, "write_timeout_s": 0.3})
        async with running(config, tmp_path) as gateway:
            gateway.server.limit_send_buffer(16_384)
            client = await slow_client(gateway.port, post(chat(stream=True)))
            for _ in range(100):
                await asyncio.sleep(0.05)
                if gateway.records:
                    break
            client.close()
            assert gateway.records[0]["status"] == 499


async def test_usage_is_estimated_when_the_upstream_reports_none(tmp_path):
    whole = completion("some words of an answer", usage=None)
    async with upstream(answering(http(whole))) as up, running(settings(up.port), tmp_path) as gateway:
        usage = (await call(gateway, post(chat()))).json()["usage"]
        assert usage["prompt_tokens"] > 0
        assert usage["completion_tokens"] >= 5
        assert gateway.records[0]["usage_estimated"] is True


async def test_explicit_zero_usage_is_a_count(tmp_path):
    zero = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    async with (
        upstream(answering(http(completion("x", usage=zero)))) as up,
        running(settings(up.port), tmp_path) as gateway,
    ):
        assert (await call(gateway, post(chat()))).json()["usage"]["total_tokens"] == 0
        assert gateway.records[0]["usage_estimated"] is False


@pytest.mark.parametrize("size", [1, 2, 7, 100])
async def test_a_stream_cut_anywhere_gives_the_same_text(tmp_path, size):
    async def cutting(connection: Connection) -> None:
        await connection.request()
        await connection.send(STREAM_HEAD)
        data = b"".join(stream_of(["Füü ", "bär 👩‍👧 ", "baz"])) + b"data: [DONE]\n\n"
        for start in range(0, len(data), size):
            await connection.send(chunk(data[start : start + size]))
        await connection.send(b"0\r\n\r\n")

    async with upstream(cutting) as up, running(settings(up.port), tmp_path) as gateway:
        answer = await call(gateway, post(chat(stream=True)))
        assert answer.text == "Füü bär 👩‍👧 baz"
        assert answer.events[-1] == "[DONE]"


async def test_requests_on_one_connection_are_answered_in_order(tmp_path):
    async with upstream(answering(http(completion("one")), http(completion("two")))) as up:
        async with running(settings(up.port), tmp_path) as gateway:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(post(chat()) + post(chat()))
            assert [(await read_answer(reader)).text for _ in range(2)] == ["one", "two"]
            writer.transport.abort()
