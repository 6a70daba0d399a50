"""Login, TLS, Sentinel and Cluster, with real servers: the right node is found, and found again when it moves."""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
import trustme

from kaigate.store.errors import StoreError, StoreRefused
from kaigate.store.redis.dial import RedisTls
from kaigate.store.redis.script import Script
from kaigate.store.redis.topology import slot_of
from support.redis_clients import States, client_of, until_healthy
from support.redis_servers import Make
from support.valkey import (
    TAG,
    SentinelService,
    ValkeyCluster,
    ValkeyNode,
    running_cluster,
    running_sentinels,
    running_valkey,
    wired,
)

PASSWORD = "correct" + "horse"
COUNT = Script("return redis.call('INCRBY', KEYS[1], ARGV[1])")


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory, make: Make) -> Iterator[ValkeyNode]:
    """A server with a password, and a user who may do little."""
    little = f"user little on >{PASSWORD} ~{{kaigate}}:* resetchannels -@all +eval +evalsha +ping +get +select"
    with running_valkey(tmp_path_factory.mktemp("locked"), little, password=PASSWORD, make=make) as node:
        yield node


async def test_the_default_user_logs_in_and_selects_a_database(locked: ValkeyNode) -> None:
    async with client_of(f"redis://:{PASSWORD}@127.0.0.1:{locked.port}/5") as client:
        assert await client.command("SET", "five", 5) == b"OK"
        with contextlib.closing(locked.admin()) as admin:
            assert admin.info("keyspace") == {"db5": {"keys": 1, "expires": 0, "avg_ttl": 0} | _rest(admin)}


def _rest(admin: redis.Redis) -> dict[str, int]:
    """Fields that only newer servers give."""
    known = {"keys", "expires", "avg_ttl"}
    return {name: value for name, value in admin.info("keyspace")["db5"].items() if name not in known}


async def test_a_restricted_user_is_enough(locked: ValkeyNode) -> None:
    async with client_of(f"redis://little:{PASSWORD}@127.0.0.1:{locked.port}") as client:
        with pytest.raises(StoreRefused, match="NOPERM"):
            await client.command("SET", "{kaigate}:a", 1)
        with pytest.raises(StoreRefused, match="NOPERM"):
            await client.command("GET", "elsewhere")
        assert await client.script(Script("return KEYS[1]"), ["{kaigate}:a"], []) == b"{kaigate}:a"
        assert client.healthy


@pytest.mark.parametrize(
    ("credentials", "reason"),
    [
        (":wrong" + "horse@", "the store refused AUTH: WRONGPASS"),
        ("", "the store refused PING: NOAUTH"),
    ],
)
async def test_a_wrong_login_is_told_without_the_password(locked: ValkeyNode, credentials: str, reason: str) -> None:
    states = States()
    async with client_of(f"redis://{credentials}127.0.0.1:{locked.port}", states=states) as client:
        assert not client.healthy
        with pytest.raises(StoreError) as error:
            await client.command("PING")
    assert states == [(False, reason)]
    assert "horse" not in repr(error.value)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


def server_context(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


async def test_tls_is_verified_and_used(locked: ValkeyNode, authority: trustme.CA, ca_file: str) -> None:
    async with wired(locked.port, tls=server_context(authority)) as wire:
        url = f"rediss://:{PASSWORD}@127.0.0.1:{wire.port}"
        async with client_of(url, tls=RedisTls(ca_file=ca_file), timeout_s=0.2) as client:
            replies = await asyncio.gather(*(client.script(COUNT, ["{kaigate}:tls"], [1]) for _ in range(200)))
            assert sorted(replies) == list(range(1, 201))


async def test_a_certificate_is_checked_against_the_configured_name(
    locked: ValkeyNode, authority: trustme.CA, ca_file: str
) -> None:
    async with wired(locked.port, tls=server_context(authority, "valkey.example")) as wire:
        url = f"rediss://:{PASSWORD}@127.0.0.1:{wire.port}"
        for tls, healthy in ((RedisTls(ca_file), False), (RedisTls(ca_file, server_name="valkey.example"), True)):
            async with client_of(url, tls=tls) as client:
                assert client.healthy is healthy


async def test_a_client_certificate_is_shown(
    locked: ValkeyNode, authority: trustme.CA, ca_file: str, tmp_path: Path
) -> None:
    context = server_context(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    mine = authority.issue_cert("kaigate.example")
    mine.private_key_and_cert_chain_pem.write_to_path(tmp_path / "mine.pem")
    tls = RedisTls(ca_file=ca_file, cert_file=str(tmp_path / "mine.pem"))
    async with wired(locked.port, tls=context) as wire:
        async with client_of(f"rediss://:{PASSWORD}@127.0.0.1:{wire.port}", tls=tls, timeout_s=0.2) as client:
            assert await client.command("PING") == b"PONG"


async def test_an_unknown_authority_is_refused_before_the_password_is_sent(
    locked: ValkeyNode, authority: trustme.CA
) -> None:
    states = States()
    async with wired(locked.port, tls=server_context(authority)) as wire:
        async with client_of(f"rediss://:{PASSWORD}@127.0.0.1:{wire.port}", states=states) as client:
            assert not client.healthy
    assert "certificate was not accepted" in states[0][1]


async def test_missing_tls_files_are_told(locked: ValkeyNode) -> None:
    states = States()
    tls = RedisTls(ca_file="/nonexistent/ca.pem")
    async with client_of(f"rediss://127.0.0.1:{locked.port}", states=states, tls=tls):
        assert states == [(False, "the TLS files of the store can't be read")]


@pytest.fixture
def service(tmp_path: Path, make: Make) -> Iterator[SentinelService]:
    """Data nodes with a password, sentinels without."""
    with running_sentinels(tmp_path, password=PASSWORD, make=make) as running:
        yield running


async def test_sentinel_names_the_master_and_a_failover_is_followed(service: SentinelService) -> None:
    master, replica = service.nodes
    service.sentinels[0].kill()  # two of three are enough
    async with client_of(service.url, timeout_s=0.2) as client:
        assert await client.command("SET", "a", 1) == b"OK"
        with contextlib.closing(replica.admin()) as admin:
            await until(lambda: admin.get("a") == b"1")
        master.kill()
        await until_healthy(client, healthy=False)
        await until_healthy(client, within_s=15)
        assert await client.command("INCR", "a") == 2
        with contextlib.closing(replica.admin()) as admin:
            assert admin.get("a") == b"2"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.02)


async def test_without_any_sentinel_the_client_keeps_trying(service: SentinelService) -> None:
    for sentinel in service.sentinels:
        sentinel.freeze()
    states = States()
    async with client_of(service.url, states=states) as client:
        assert states == [(False, "no sentinel knows the master")]
        service.sentinels[2].thaw()
        await until_healthy(client)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, make: Make) -> Iterator[ValkeyCluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster"), make) as running:
        yield running


async def test_the_owner_of_the_hash_tag_is_found_through_any_node(cluster: ValkeyCluster) -> None:
    owner = cluster.owner(slot_of(TAG))
    for node in cluster.nodes:
        async with client_of(f"redis+cluster://127.0.0.1:{node.port}") as client:
            assert await client.command("SET", f"{{{TAG}}}:a", node.port) == b"OK"
            assert f"tcp_port:{owner.port}".encode() in await client.command("INFO", "server")


async def test_a_key_without_the_hash_tag_is_refused_and_moves_nothing(cluster: ValkeyCluster) -> None:
    async with client_of(cluster.url) as client:
        foreign = next(str(n) for n in range(100) if cluster.owner(slot_of(str(n))) != cluster.owner(slot_of(TAG)))
        with pytest.raises(StoreRefused, match="MOVED"):
            await client.command("GET", foreign)
        assert await client.command("SET", f"{{{TAG}}}:a", 1) == b"OK"


async def test_a_slot_moves_under_load_and_no_call_fails(cluster: ValkeyCluster) -> None:
    slot, key = slot_of(TAG), f"{{{TAG}}}:count"
    source = cluster.owner(slot)
    target = next(node for node in cluster.nodes if node is not source)
    done = 0
    async with client_of(cluster.url, timeout_s=0.5) as client:
        moving = True

        async def count() -> None:
            nonlocal done
            while moving:
                await client.script(COUNT, [key], [1])
                done += 1
                await asyncio.sleep(0.001)

        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(count())
            await asyncio.sleep(0.05)
            with contextlib.closing(source.admin()) as old, contextlib.closing(target.admin()) as new:
                await _move(client, old, new, slot, target)
                await asyncio.sleep(0.1)
                moving = False
        with contextlib.closing(target.admin()) as new:
            assert new.get(key) == str(done).encode()
        assert f"tcp_port:{target.port}".encode() in await client.command("INFO", "server")
        for node in cluster.nodes:  # back, for the other tests
            with contextlib.closing(node.admin()) as admin:
                admin.flushall()
        with contextlib.closing(source.admin()) as old, contextlib.closing(target.admin()) as new:
            _assign(new, old, slot, await asyncio.to_thread(_id, old))


async def _move(client: object, old: redis.Redis, new: redis.Redis, slot: int, target: ValkeyNode) -> None:
    new.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", _id(old))
    old.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", _id(new))
    await asyncio.sleep(0.05)
    while keys := old.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 100):
        old.execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 1000, "KEYS", *keys)
    # From here on the old node answers ASK.
    await asyncio.sleep(0.05)
    assert new.info("commandstats")["cmdstat_asking"]["calls"] > 0
    _assign(old, new, slot, _id(new))


def _assign(old: redis.Redis, new: redis.Redis, slot: int, owner: str) -> None:
    for admin in (new, old):
        admin.execute_command("CLUSTER", "SETSLOT", slot, "NODE", owner)


def _id(admin: redis.Redis) -> str:
    return admin.execute_command("CLUSTER", "MYID").decode()


async def test_a_cluster_node_that_comes_back_is_found_again(cluster: ValkeyCluster) -> None:
    owner = cluster.owner(slot_of(TAG))
    async with client_of(cluster.url) as client:
        owner.kill()
        await until_healthy(client, healthy=False)
        owner.start()
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(StoreError):
                    await client.command("SET", f"{{{TAG}}}:a", 1)
                    break
                await asyncio.sleep(0.02)
        assert client.healthy
