"""A response: bytes before failures, one reader, and a close that is safe at any moment."""

import asyncio
import contextlib

import pytest

from kaigate.transport.errors import BodyTooLarge, IdleTimeout, ProtocolError, Truncated
from kaigate.transport.response import Response
from kaigate.transport.target import Deadlines


class Notes:
    """A link that only takes notes."""

    def __init__(self) -> None:
        self.resumed = 0
        self.dropped = 0
        self.when: list[float] = []

    def resume(self) -> None:
        self.resumed += 1

    def expire_at(self, when: float) -> None:
        self.when.append(when)

    def drop(self, response: Response) -> None:
        self.dropped += 1


def started() -> tuple[Response, Notes]:
    loop = asyncio.get_running_loop()
    response, link = Response(loop, Deadlines(), loop.time()), Notes()
    response.link = link
    response.add_head(200, {})
    return response, link


async def test_bytes_that_are_there_come_in_one_piece_without_waiting() -> None:
    response, link = started()
    assert response.add_body(b"ab") == 2
    assert response.add_body(b"c") == 3
    assert await response.chunk() == b"abc"
    assert (link.resumed, link.when) == (1, [])
    response.end()
    assert await response.chunk() == b""
    assert await response.chunk() == b""


async def test_bytes_before_a_failure_are_delivered_before_it() -> None:
    response, _ = started()
    response.add_body(b"ab")
    response.fail(ProtocolError("x"))
    response.fail(IdleTimeout("a later failure does not replace the first"))
    assert await response.chunk() == b"ab"
    for _ in range(2):
        with pytest.raises(ProtocolError):
            await response.chunk()


async def test_the_whole_body_is_read_up_to_the_limit() -> None:
    response, link = started()
    response.add_body(b"abc")
    asyncio.get_running_loop().call_soon(response.end)
    assert await response.read(3) == b"abc"
    response, link = started()
    response.add_body(b"abcd")
    with pytest.raises(BodyTooLarge):
        await response.read(3)
    assert link.dropped == 1


async def test_close_before_the_end_drops_the_link_once() -> None:
    response, link = started()
    response.add_body(b"ab")
    response.close()
    response.close()
    assert link.dropped == 1
    with pytest.raises(Truncated):
        await response.chunk()


async def test_close_after_the_end_touches_nothing() -> None:
    response, link = started()
    response.end()
    response.close()
    assert link.dropped == 0


@pytest.mark.parametrize("woken_first", [False, True])
async def test_a_cancelled_read_closes(woken_first: bool) -> None:
    response, link = started()
    task = asyncio.get_running_loop().create_task(response.chunk())
    await asyncio.sleep(0)
    if woken_first:
        response.add_body(b"x")
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert link.dropped == 1


async def test_a_second_reader_is_an_error() -> None:
    response, _ = started()
    task = asyncio.get_running_loop().create_task(response.chunk())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError):
        await response.chunk()
    response.end()
    assert await task == b""


async def test_a_waiting_reader_gets_bytes_end_or_failure() -> None:
    loop = asyncio.get_running_loop()
    response, _ = started()
    loop.call_soon(response.add_body, b"x")
    assert await response.chunk() == b"x"
    loop.call_soon(response.fail, Truncated("x"))
    with pytest.raises(Truncated):
        await response.chunk()
