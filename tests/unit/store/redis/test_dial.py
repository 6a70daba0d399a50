"""What is said on a new connection, and what each failure means. Real servers: tests/integration/store."""

import asyncio
import ssl
import time

import pytest

from kaigate.store.errors import StoreError, StoreRefused, StoreTimeout, StoreUnavailable
from kaigate.store.redis.connection import Connection
from kaigate.store.redis.dial import Dialer, RedisTls, client_context
from kaigate.store.redis.url import Address, RedisUrl
from support.resp_server import OK, PONG, resp_server, well

PASSWORD = "correct" + "horse"


def dialer(url="redis://h", *, connect_timeout_s=1.0):
    return Dialer(RedisUrl.parse(url), RedisTls(), timeout_s=0.05, connect_timeout_s=connect_timeout_s, max_pending=100)


def ignore(connection: Connection, reason: str) -> None:
    pass


async def open_and_close(server, url="redis://h", **options):
    (await dialer(url, **options).open(server.address, ignore)).close()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://h", []),
        ("redis://h/3", [(b"SELECT", b"3")]),
        (f"redis://:{PASSWORD}@h", [(b"AUTH", PASSWORD.encode())]),
        (f"redis://u:{PASSWORD}@h/3", [(b"AUTH", b"u", PASSWORD.encode()), (b"SELECT", b"3")]),
    ],
)
async def test_the_greeting_logs_in_selects_and_proves_a_round_trip(url, expected):
    async with resp_server() as server:
        await open_and_close(server, url)
        rest = [(b"CLIENT", b"SETNAME", b"kaigate"), (b"ROLE",), (b"PING",)]
        assert server.commands == [[*expected, *rest]]


async def test_a_user_without_the_right_to_name_itself_is_enough():
    async with resp_server(lambda command: PONG if command[0] == b"PING" else b"-NOPERM no\r\n") as server:
        await open_and_close(server)


async def test_a_replica_is_not_what_we_look_for():
    replica = b"*2\r\n$5\r\nslave\r\n:0\r\n"
    async with resp_server(lambda command: replica if command[0] == b"ROLE" else OK) as server:
        with pytest.raises(StoreUnavailable, match="not a master"):
            await open_and_close(server)


async def test_a_refused_login_repeats_nothing_of_what_the_server_says():
    def echo(command):
        return b"-ERR unknown command, with args beginning with: %b\r\n" % command[-1]

    async with resp_server(echo) as server:
        with pytest.raises(StoreRefused) as refusal:
            await open_and_close(server, f"redis://:{PASSWORD}@h")
    error = refusal.value
    while error is not None:
        assert PASSWORD not in repr(vars(error)) + repr(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


async def test_a_silent_server_is_given_the_time_to_connect_and_no_more():
    async with resp_server(lambda command: None) as server:
        started = time.monotonic()
        with pytest.raises(StoreError):
            await open_and_close(server, connect_timeout_s=0.1)
        assert time.monotonic() - started < 0.3


async def test_a_server_that_is_slow_to_answer_a_ping_is_not_well():
    async with resp_server(lambda command: None if command[0] == b"PING" else well(command)) as server:
        started = time.monotonic()
        with pytest.raises(StoreTimeout):
            await open_and_close(server)
        assert time.monotonic() - started < 0.3


async def test_a_cancelled_attempt_leaves_no_connection():
    async with resp_server(lambda command: None) as server:
        attempt = asyncio.create_task(dialer().open(server.address, ignore))
        await asyncio.sleep(0.02)
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
        await asyncio.sleep(0.02)
        assert [task for task in asyncio.all_tasks() if "serve" in repr(task.get_coro())] == []


async def test_a_port_where_nobody_listens_is_told_as_such():
    async with resp_server() as server:
        address = server.address
    with pytest.raises(StoreUnavailable, match="no connection to the store: Connection refused"):
        await dialer().open(address, ignore)


async def test_an_impossible_host_is_told_as_such():
    with pytest.raises(StoreUnavailable, match="address is not valid"):
        await dialer().open(Address("a" * 70 + ".example", 1), ignore)


async def test_an_open_sentinel_never_sees_the_password():
    async with resp_server() as server:
        assert await dialer(f"redis+sentinel://:{PASSWORD}@s/main").ask(server.address, 0.5, "SENTINEL") == b"OK"
        assert server.commands == [[(b"SENTINEL",)]]


async def test_a_locked_sentinel_gets_the_password():
    def locked(command):
        if command[0] == b"AUTH":
            return OK
        return b"+yes\r\n" if server.names(-1)[:1] == [b"AUTH"] else b"-NOAUTH Authentication required.\r\n"

    async with resp_server(locked) as server:
        assert await dialer(f"redis+sentinel://:{PASSWORD}@s/main").ask(server.address, 0.5, "SENTINEL") == b"yes"


async def test_a_cluster_node_gets_the_password_first():
    async with resp_server() as server:
        await dialer(f"redis+cluster://:{PASSWORD}@s").ask(server.address, 0.5, "CLUSTER", "SLOTS")
        assert server.names() == [b"AUTH", b"CLUSTER"]


def test_tls_is_verified_and_not_older_than_1_2():
    context = client_context(RedisTls())
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
