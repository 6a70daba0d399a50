"""Several calls for one attempt: within a bound, in order, and the first failure ends them all."""

import asyncio

import msgspec
import pytest

from kaigate.errors import RequestInvalidError
from kaigate.pipeline.plan import Deployment
from kaigate.providers.provider import UpstreamCall
from kaigate.stages.upstream_bodies import PARALLEL, CallFailedError, UpstreamBodies
from kaigate.transport.errors import BodyTooLarge, EgressRefused, TotalTimeout, TransportError
from kaigate.transport.http import Deadlines
from support.exchanges import deployment
from support.openai_upstream import http
from support.upstream_faults import Connection, Upstream, client_for, upstream


def calls(count: int) -> list[UpstreamCall]:
    return [UpstreamCall("/x", ((b"content-type", b"text/plain"),), b"%d" % number) for number in range(count)]


def at(up: Upstream, *, zone: str = "private") -> Deployment:
    target = msgspec.structs.replace(deployment(), target=up.target(max_connections=32))
    return msgspec.structs.replace(target, zone=zone)


class Echo:
    """Answers each call with its own body, the later ones first; counts how many are under way."""

    def __init__(self, answers: dict[bytes, bytes] | None = None, *, size: int = 1) -> None:
        self.running = self.most = self.done = 0
        self._answers, self._size = answers or {}, size

    async def __call__(self, connection: Connection) -> None:
        while (request := await connection.request()) is not None:
            body = request.partition(b"\r\n\r\n")[2]
            self.running += 1
            self.most = max(self.most, self.running)
            await asyncio.sleep(0.02 if int(body) % 2 else 0.04)
            self.running -= 1
            self.done += 1
            await connection.send(self._answers.get(body) or http(body * self._size))


@pytest.mark.parametrize("count", [1, 3, 20])
async def test_bodies_come_in_the_order_of_the_calls_and_not_all_at_once(count):
    echo = Echo()
    async with upstream(echo) as up, client_for(up) as client:
        bodies = await UpstreamBodies(client, None, max_bytes=100).of(calls(count), at(up), Deadlines(), private=True)
        assert bodies == [b"%d" % number for number in range(count)]
        assert echo.most == min(count, PARALLEL)
        assert all(pool.in_use == 0 for pool in client.stats())


async def test_the_first_failure_ends_the_others():
    echo = Echo({b"1": http(b"{}", "503 Service Unavailable")})
    async with upstream(echo) as up, client_for(up) as client:
        with pytest.raises(CallFailedError) as failed:
            await UpstreamBodies(client, None, max_bytes=100).of(calls(40), at(up), Deadlines(), private=False)
        assert failed.value.failed.again
        assert echo.done < 2 * PARALLEL
        await asyncio.sleep(0.01)
        assert all(pool.in_use == 0 for pool in client.stats())


async def test_a_refusal_of_the_request_is_raised_as_such():
    echo = Echo({b"1": http(b'{"error":{"message":"no"}}', "400 Bad Request")})
    async with upstream(echo) as up, client_for(up) as client:
        with pytest.raises(RequestInvalidError):
            await UpstreamBodies(client, None, max_bytes=100).of(calls(3), at(up), Deadlines(), private=False)


@pytest.mark.parametrize(("count", "most"), [(1, 39), (9, 8 * 40 + 39)])
async def test_answers_are_bounded_together(count, most):
    async with upstream(Echo(size=40)) as up, client_for(up) as client:
        with pytest.raises(BodyTooLarge):
            await UpstreamBodies(client, None, max_bytes=most).of(calls(count), at(up), Deadlines(), private=False)


async def test_all_calls_share_one_deadline():
    async with upstream(Echo()) as up, client_for(up) as client:
        with pytest.raises(TransportError) as failed:
            await UpstreamBodies(client, None, max_bytes=1000).of(
                calls(200), at(up), Deadlines(total_s=0.15), private=False
            )
        assert isinstance(failed.value, TotalTimeout)


async def test_a_private_call_opens_no_socket_to_another_zone():
    async with upstream(Echo()) as up, client_for(up) as client:
        there = at(up)
        target = msgspec.structs.replace(there, target=type(there.target)(up.origin, "external", None, 4))
        with pytest.raises(EgressRefused):
            await UpstreamBodies(client, None, max_bytes=10).of(calls(1), target, Deadlines(), private=True)
        assert up.connections == 0
