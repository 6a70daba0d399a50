"""The breaker and redirections, with answers that real servers give seldom. Real ones: tests/integration/store."""

import asyncio

import pytest

from kaigate.store.errors import StoreRefused, StoreTimeout, StoreUnavailable
from kaigate.store.redis import client as client_module
from kaigate.store.redis.client import Redis
from kaigate.store.redis.replies import ErrorReply
from kaigate.store.redis.script import Script
from kaigate.store.redis.topology import slot_of
from kaigate.store.redis.url import RedisUrl
from support.redis_clients import States, client_of, until_healthy
from support.resp_server import OK, RespServer, resp_server, well

SLOT = slot_of("kaigate")


def slots(server: RespServer) -> bytes:
    """The answer to CLUSTER SLOTS of a cluster with one node."""
    return b"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:%d\r\n" % server.address.port


async def test_before_the_start_and_after_the_end_calls_fail():
    client = Redis(RedisUrl.parse("redis://h"))
    with pytest.raises(StoreUnavailable, match="not asked yet"):
        await client.command("PING")
    await client.aclose()
    with pytest.raises(StoreUnavailable, match="closed"):
        await client.script(Script("return 1"), [], [])


async def test_an_unknown_script_is_sent_in_full_once():
    known = set()

    def reply(command):
        if command[0] == b"EVALSHA":
            return b":1\r\n" if command[1] in known else b"-NOSCRIPT No matching script.\r\n"
        if command[0] == b"EVAL":
            known.add(Script(command[1].decode()).sha1)
            return b":1\r\n"
        return well(command)

    async with resp_server(reply) as server, client_of(server.url) as client:
        script = Script("return 1")
        for _ in range(2):
            assert await client.script(script, ["k"], [b"a", 2, "c"]) == 1
        assert server.names()[3:] == [b"EVALSHA", b"EVAL", b"EVALSHA"]
        assert server.commands[0][4] == (b"EVAL", script.source, b"1", b"k", b"a", b"2", b"c")


@pytest.mark.parametrize("code", ["READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN"])
async def test_a_node_that_cannot_serve_is_left_and_others_keep_their_answers(code):
    states = States()
    answers = {b"SET": b"-%b no\r\n" % code.encode(), b"GET": (0.02, b":1\r\n")}
    async with resp_server(lambda command: answers.get(command[0]) or well(command)) as server:
        async with client_of(server.url, states=states) as client:
            refusal, later = await asyncio.gather(
                client.command("SET", "a", 1), client.command("GET", "a"), return_exceptions=True
            )
            assert isinstance(refusal, ErrorReply)
            assert later == 1
            answers.clear()
            await until_healthy(client)
            assert await client.command("SET", "a", 1) == b"OK"
    assert states == [(True, ""), (False, f"the store answered {code}"), (True, "")]


@pytest.mark.parametrize("code", ["OOM", "NOPERM", "MISCONF", "BUSY", "MOVED 1 127.0.0.1:1"])
async def test_other_refusals_leave_the_breaker_closed(code):
    async with resp_server(
        lambda command: b"-%b no\r\n" % code.encode() if command[0] == b"SET" else well(command)
    ) as s:
        async with client_of(s.url) as client:
            with pytest.raises(StoreRefused, match=code.split()[0]):
                await client.command("SET", "a", 1)
            assert client.healthy


async def test_the_state_is_told_when_it_changes_and_not_at_every_attempt():
    states = States()
    async with resp_server(lambda command: b"-LOADING no\r\n") as server:
        async with client_of(server.url, states=states):
            await asyncio.sleep(0.2)
        assert len(server.commands) > 2
    assert states == [(False, "the store refused PING: LOADING")]


async def test_a_redirection_without_a_host_means_the_same_host():
    moved = []

    def old(command):
        if command[0] == b"CLUSTER":
            return slots(source)
        return b"-MOVED %d :%d\r\n" % (SLOT, target.address.port) if command[0] == b"SET" else well(command)

    async with resp_server() as target, resp_server(old) as source:
        url = f"redis+cluster://127.0.0.1:{source.address.port}"
        async with client_of(url, timeout_s=0.5) as client:
            moved = await asyncio.gather(*(client.command("SET", "{kaigate}", n) for n in range(50)))
            assert moved == [b"OK"] * 50
            assert len(target.commands) == 1
            assert client.healthy


async def test_nodes_that_send_each_other_the_call_are_asked_a_few_times_only():
    def elsewhere(here, there):
        def reply(command):
            if command[0] == b"CLUSTER":
                return slots(servers[here])
            if command[0] == b"SET":
                return b"-MOVED %d 127.0.0.1:%d\r\n" % (SLOT, servers[there].address.port)
            return well(command)

        return reply

    servers = []
    async with resp_server(elsewhere(0, 1)) as first, resp_server(elsewhere(1, 0)) as second:
        servers += [first, second]
        async with client_of(f"redis+cluster://127.0.0.1:{first.address.port}", timeout_s=0.5) as client:
            with pytest.raises(StoreRefused, match="MOVED"):
                await client.command("SET", "{kaigate}", 1)
            asked = [name for server in servers for names in server.commands for name, *_ in names if name == b"SET"]
            assert len(asked) == client_module.MAX_REDIRECTIONS + 1


async def test_a_move_to_a_dead_node_opens_the_breaker_and_the_owner_is_looked_up_again():
    answers = {}

    def reply(command):
        return slots(server) if command[0] == b"CLUSTER" else answers.get(command[0]) or well(command)

    async with resp_server() as gone:
        pass
    async with resp_server(reply) as server:
        async with client_of(f"redis+cluster://127.0.0.1:{server.address.port}", timeout_s=0.5) as client:
            answers[b"SET"] = b"-MOVED %d 127.0.0.1:%d\r\n" % (SLOT, gone.address.port)
            with pytest.raises(StoreUnavailable, match="moved"):
                await client.command("SET", "{kaigate}", 1)
            answers[b"SET"] = OK
            await until_healthy(client)
            assert await client.command("SET", "{kaigate}", 1) == b"OK"


async def test_a_ping_is_a_round_trip():
    async with resp_server() as server, client_of(server.url) as client:
        before = len(server.commands[0])
        assert 0 < await client.ping() < 0.25
        assert server.names()[before:] == [b"PING"]


async def test_a_cancelled_call_is_nobodys_trouble():
    silent = []
    async with resp_server(lambda command: None if silent else well(command)) as server:
        async with client_of(server.url, timeout_s=0.1) as client:
            silent.append(True)
            call = asyncio.create_task(client.command("GET", "a"))
            await asyncio.sleep(0.01)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            with pytest.raises(StoreTimeout):
                await client.command("GET", "b")
