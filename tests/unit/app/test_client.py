"""Request bodies are bounded in size and time, and a leaving client is noticed."""

import asyncio

import pytest

from kaigate.app.client import AsgiClient
from kaigate.errors import RequestInvalidError
from kaigate.pipeline.exchange import ClientGoneError


def receiving(*messages):
    """A receive() that gives these messages and then waits."""
    queue = list(messages)

    async def receive():
        if not queue:
            await asyncio.Event().wait()
        return queue.pop(0)

    return receive


def body(data: bytes, *, more: bool = False):
    return {"type": "http.request", "body": data, "more_body": more}


GONE = {"type": "http.disconnect"}


@pytest.mark.parametrize(
    "messages",
    [
        [body(b"hello")],
        [body(b"he", more=True), body(b"llo")],
        [body(b"", more=True), body(b"hello", more=True), body(b"")],
    ],
)
async def test_the_body_is_the_same_however_it_arrives(messages):
    client = AsgiClient(receiving(*messages), "192.0.2.1")
    assert await client.read_body(limit=5, timeout_s=1) == b"hello"


@pytest.mark.parametrize("messages", [[body(b"123456")], [body(b"123", more=True), body(b"456", more=True)]])
async def test_a_body_beyond_the_limit_is_refused_before_it_is_complete(messages):
    client = AsgiClient(receiving(*messages), "192.0.2.1")
    with pytest.raises(RequestInvalidError) as caught:
        await client.read_body(limit=5, timeout_s=1)
    assert caught.value.status == 413


async def test_a_body_that_does_not_arrive_is_refused():
    with pytest.raises(RequestInvalidError) as caught:
        await AsgiClient(receiving(body(b"12", more=True)), "192.0.2.1").read_body(limit=5, timeout_s=0.01)
    assert caught.value.status == 408


async def test_a_client_that_leaves_while_sending_is_gone():
    with pytest.raises(ClientGoneError):
        await AsgiClient(receiving(body(b"12", more=True), GONE), "192.0.2.1").read_body(limit=5, timeout_s=1)


async def test_leaving_is_heard_once_also_after_empty_messages():
    heard = []
    client = AsgiClient(receiving(body(b""), GONE), "192.0.2.1")
    client.watch(lambda: heard.append(1))
    await asyncio.sleep(0.01)
    assert heard == [1]


async def test_nothing_is_heard_after_the_answer_is_complete():
    heard = []
    left = asyncio.Event()

    async def receive():
        await left.wait()
        return GONE

    client = AsgiClient(receive, "192.0.2.1")
    client.watch(lambda: heard.append(1))
    client.close()
    left.set()
    await asyncio.sleep(0.01)
    assert heard == []
