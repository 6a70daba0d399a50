"""Pipelining: one write per tick, every answer to its own call, whatever is cancelled; silence ends the connection."""

import asyncio
import socket
import threading
import time

import hiredis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.store.errors import StoreError, StoreTimeout, StoreUnavailable
from kaigate.store.redis.connection import Connection, pack
from kaigate.store.redis.replies import ErrorReply

TIMEOUT_S = 0.05


class Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self):
        super().__init__()
        self.writes = []
        self.aborted = False

    def write(self, data):
        self.writes.append(bytes(data))

    def abort(self):
        self.aborted = True


class Losses(list):
    def __call__(self, connection, reason):
        self.append(reason)


def connected(losses=None, *, timeout_s=TIMEOUT_S, max_pending=1000):
    connection = Connection(
        timeout_s=timeout_s, max_pending=max_pending, on_lost=Losses() if losses is None else losses
    )
    wire = Wire()
    connection.connection_made(wire)
    return connection, wire


def echo(number):
    return pack(("ECHO", number))


async def test_commands_of_a_tick_leave_in_one_write():
    connection, wire = connected()
    calls = [connection.send(echo(n)) for n in range(3)]
    assert wire.writes == []
    await asyncio.sleep(0)
    assert wire.writes == [b"".join(echo(n) for n in range(3))]
    connection.data_received(b":0\r\n:1\r\n:2\r\n")
    assert [await call for call in calls] == [0, 1, 2]
    connection.close()


@given(
    steps=st.lists(
        st.one_of(
            st.just("send"),
            st.just("tick"),
            st.tuples(st.just("cancel"), st.integers(0, 50)),
            st.tuples(st.just("answer"), st.integers(1, 40)),
        ),
        max_size=60,
    )
)
def test_every_answer_reaches_its_own_call(steps):
    """For every interleaving of calls, cancellations and split answers."""
    asyncio.run(_interleave(steps))


async def _interleave(steps):
    connection, wire = connected(timeout_s=5)
    calls, server, answers, seen = [], hiredis.Reader(), bytearray(), 0
    for step in [*steps, "tick", ("answer", 1 << 20)]:
        match step:
            case "send":
                calls.append(connection.send(echo(len(calls))))
            case "tick":
                await asyncio.sleep(0)
            case ("cancel", index) if calls:
                calls[index % len(calls)].cancel()
            case ("answer", size):
                for data in wire.writes[seen:]:
                    server.feed(data)
                seen = len(wire.writes)
                while command := server.gets():
                    answers += b":%b\r\n" % command[1] if int(command[1]) % 3 else b"-ERR %b\r\n" % command[1]
                connection.data_received(bytes(answers[:size]))
                del answers[:size]
    assert connection.pending == 0
    for index, call in enumerate(calls):
        if not call.cancelled():
            error = call.exception()
            assert (int(error.detail.split()[1]) if isinstance(error, ErrorReply) else call.result()) == index
    connection.close()


async def test_a_late_answer_ends_the_connection_and_all_its_calls():
    losses = Losses()
    connection, wire = connected(losses)
    started = time.monotonic()
    calls = [connection.send(echo(1))]
    await asyncio.sleep(0.03)
    calls += [connection.send(echo(2)), connection.send(echo(3))]
    for call in calls:
        with pytest.raises(StoreTimeout):
            await call
    assert TIMEOUT_S / 2 < time.monotonic() - started < TIMEOUT_S * 1.5
    assert wire.aborted
    assert losses == ["the store did not answer in time"]
    with pytest.raises(StoreUnavailable):
        connection.send(echo(4))


async def test_progress_does_not_excuse_a_late_answer():
    """A server that answers each call, but 100 ms late, is given up."""
    losses = Losses()
    connection, _ = connected(losses)
    loop = asyncio.get_running_loop()
    calls = []
    for n in range(8):
        calls.append(connection.send(echo(n)))
        loop.call_later(0.1, connection.data_received, b":1\r\n")
        await asyncio.sleep(0.01)
        if losses:
            break
    assert losses
    await asyncio.gather(*calls, return_exceptions=True)
    await asyncio.sleep(0.12)


async def test_answered_calls_in_a_row_never_fall_under_one_deadline():
    losses = Losses()
    connection, _ = connected(losses)
    for n in range(6):
        call = connection.send(echo(n))
        await asyncio.sleep(0.02)
        connection.data_received(b":%d\r\n" % n)
        assert await call == n
    assert losses == []
    connection.close()


class Busy(asyncio.Protocol):
    """Another connection, whose data keep the loop busy for longer than the timeout."""

    def data_received(self, data):
        time.sleep(TIMEOUT_S * 2)


async def test_an_answer_that_waited_for_our_own_loop_counts():
    """It was in the socket in time; the loop came to its timers first."""
    loop = asyncio.get_running_loop()
    losses = Losses()
    ours, store = socket.socketpair()
    other, sender = socket.socketpair()
    connection = Connection(timeout_s=TIMEOUT_S, max_pending=10, on_lost=losses)
    await loop.create_connection(lambda: connection, sock=ours)
    busy, _ = await loop.create_connection(Busy, sock=other)

    def answer_while_the_loop_is_busy():
        store.recv(100)
        sender.send(b"work")
        time.sleep(TIMEOUT_S / 2)
        store.send(b":7\r\n")

    thread = threading.Thread(target=answer_while_the_loop_is_busy, daemon=True)
    thread.start()
    try:
        assert await connection.send(echo(7)) == 7
        assert losses == []
    finally:
        await asyncio.to_thread(thread.join, 1)
        connection.close()
        busy.abort()
        store.close()
        sender.close()


async def test_a_longer_timeout_of_the_login_does_not_last():
    connection, _ = connected(timeout_s=5)
    call = connection.send(echo(1))
    await asyncio.sleep(0)
    connection.data_received(b":1\r\n")
    await call
    connection.use_timeout(TIMEOUT_S)
    started = time.monotonic()
    with pytest.raises(StoreTimeout):
        await connection.send(echo(2))
    assert time.monotonic() - started < TIMEOUT_S * 1.5


async def test_more_calls_than_may_wait_are_refused_at_once():
    connection, _ = connected(max_pending=2)
    calls = [connection.send(echo(n)) for n in range(2)]
    calls[0].cancel()  # it still waits for its answer
    with pytest.raises(StoreUnavailable):
        connection.send(echo(3))
    await asyncio.sleep(0)
    connection.data_received(b":0\r\n")
    connection.send(echo(4)).cancel()
    connection.close()
    with pytest.raises(StoreTimeout):
        await calls[1]


async def test_calls_that_were_not_written_are_known_not_to_have_run():
    connection, _ = connected()
    written = connection.send(echo(1))
    await asyncio.sleep(0)
    unwritten = connection.send(echo(2))
    connection.connection_lost(None)
    with pytest.raises(StoreTimeout):
        await written
    with pytest.raises(StoreUnavailable):
        await unwritten


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400\r\n\r\n", b":1\r\n:2\r\n"])
async def test_an_answer_that_is_not_ours_ends_the_connection(answer):
    losses = Losses()
    connection, wire = connected(losses)
    call = connection.send(echo(1))
    await asyncio.sleep(0)
    connection.data_received(answer)
    await asyncio.gather(call, return_exceptions=True)
    assert wire.aborted
    assert losses == ["the store's answer is not RESP"]


async def test_a_retired_connection_delivers_its_last_answers():
    losses = Losses()
    connection, wire = connected(losses)
    call = connection.send(echo(1))
    await asyncio.sleep(0)
    connection.retire()
    assert not wire.aborted
    connection.data_received(b":1\r\n")
    assert await call == 1
    assert wire.aborted
    assert losses == []


async def test_an_idle_connection_retires_at_once():
    connection, wire = connected()
    connection.retire()
    assert wire.aborted
    assert not connection.usable


async def test_nulls_and_nested_errors_are_values():
    connection, _ = connected()
    calls = [connection.send(echo(n)) for n in range(2)]
    await asyncio.sleep(0)
    connection.data_received(b"$-1\r\n*2\r\n:1\r\n-ERR x\r\n")
    assert await calls[0] is None
    number, nested = await calls[1]
    assert number == 1
    assert isinstance(nested, StoreError)
    connection.close()
