"""Real Valkey or Redis servers for tests: alone, a Sentinel trio, a cluster; frozen, slowed, killed and restarted."""

import asyncio
import contextlib
import os
import signal
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import redis

from demo.processes import HOST, Child, ChildFailedError, free_ports, start, stop
from support.redis_servers import VALKEY, Make

READY_TIMEOUT_S: Final = 8.0
TAG: Final = "kaigate"


@dataclass
class ValkeyNode:
    """A server process on a fixed port; `password` is the default user's."""

    port: int
    folder: Path
    options: tuple[str, ...] = ()
    password: str | None = None
    sentinel: bool = False
    make: Make = VALKEY
    child: Child | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        credentials = f":{self.password}@" if self.password else ""
        return f"redis://{credentials}{HOST}:{self.port}"

    def start(self) -> None:
        """Start, or start again on the same port, and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "valkey.conf"
        if not config.exists():
            lines = [f"port {self.port}", f"bind {HOST}", f"dir {self.folder}"]
            if not self.sentinel:
                lines += ['save ""', "appendonly no"]
            lines += self.options
            if self.password:
                lines += [f"requirepass {self.password}", f"masterauth {self.password}"]
            config.write_text("\n".join(lines) + "\n")
        command = [str(self.make.binary), str(config), *(["--sentinel"] if self.sentinel else [])]
        self.child = start("valkey", command, log=self.folder / "valkey.log", env={"PATH": os.environ.get("PATH", "")})
        self._wait()

    def freeze(self) -> None:
        """SIGSTOP: the kernel still takes connections and bytes, nobody answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        if self.child is not None:
            child, self.child = self.child, None
            self._end(child, signal.SIGKILL)

    def stop(self) -> None:
        """End it, also when it is frozen."""
        if self.child is not None:
            child, self.child = self.child, None
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.process.pid, signal.SIGCONT)
            stop(child, grace_s=3)

    def admin(self) -> redis.Redis:
        """A client of another make, to look and to stir from outside."""
        return redis.Redis(HOST, self.port, password=self.password, socket_timeout=5, protocol=2)

    def _signal(self, number: signal.Signals) -> None:
        assert self.child is not None
        os.kill(self.child.process.pid, number)

    def _end(self, child: Child, number: signal.Signals) -> None:
        os.kill(child.process.pid, number)
        stop(child, grace_s=3)

    def _wait(self) -> None:
        assert self.child is not None
        deadline = time.monotonic() + READY_TIMEOUT_S
        while True:
            with contextlib.suppress(redis.RedisError), contextlib.closing(self.admin()) as client:
                client.ping()
                return
            if self.child.process.poll() is not None or time.monotonic() > deadline:
                raise ChildFailedError(f"valkey did not become ready:\n{self.child.tail()}")
            time.sleep(0.01)


@contextlib.contextmanager
def running_valkey(
    folder: Path, *options: str, password: str | None = None, make: Make = VALKEY
) -> Iterator[ValkeyNode]:
    """One server; `options` are lines of its configuration file."""
    node = ValkeyNode(free_ports(0)[0], folder, options, password, make=make)
    node.start()
    try:
        yield node
    finally:
        node.stop()


@dataclass(frozen=True)
class SentinelService:
    """Two data nodes, the first of which is the master at the beginning, and three sentinels."""

    nodes: tuple[ValkeyNode, ValkeyNode]
    sentinels: tuple[ValkeyNode, ...]
    name: str = "main"

    @property
    def url(self) -> str:
        hosts = ",".join(f"{HOST}:{sentinel.port}" for sentinel in self.sentinels)
        credentials = f":{self.nodes[0].password}@" if self.nodes[0].password else ""
        return f"redis+sentinel://{credentials}{hosts}/{self.name}"


@contextlib.contextmanager
def running_sentinels(folder: Path, *, password: str | None = None, make: Make = VALKEY) -> Iterator[SentinelService]:
    """A service whose master is declared down after 300 ms."""
    with contextlib.ExitStack() as stack:
        master_port, replica_port, *ports = free_ports(*[0] * 5)
        quick = "repl-diskless-sync-delay 0"
        master = ValkeyNode(master_port, folder / "master", (quick,), password, make=make)
        follow = f"replicaof {HOST} {master.port}"
        replica = ValkeyNode(replica_port, folder / "replica", (quick, follow), password, make=make)
        watch = (
            f"sentinel monitor main {HOST} {master.port} 2",
            "sentinel down-after-milliseconds main 300",
            "sentinel failover-timeout main 3000",
            *([f"sentinel auth-pass main {password}"] if password else []),
        )
        sentinels = tuple(
            ValkeyNode(
                port,
                folder / f"sentinel-{port}",
                (*watch, *_acquaintances(port, ports, replica)),
                sentinel=True,
                make=make,
            )
            for port in ports
        )
        for node in (master, replica, *sentinels):
            stack.callback(node.stop)
            node.start()
        _until(lambda: _replica_is_up(master) and all(_sentinel_knows_all(node) for node in sentinels), "sentinels")
        yield SentinelService((master, replica), sentinels)


@dataclass(frozen=True)
class ValkeyCluster:
    """Three masters; each owns a third of the slots."""

    nodes: tuple[ValkeyNode, ...]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"{HOST}:{node.port}" for node in self.nodes)

    def owner(self, slot: int) -> ValkeyNode:
        """The node that owns `slot`, by the beginning's distribution."""
        return self.nodes[next(index for index, (first, last) in enumerate(CLUSTER_RANGES) if first <= slot <= last)]


FIXED_BUS: Final = 10_000
CLUSTER_RANGES: Final = ((0, 5460), (5461, 10922), (10923, 16383))


@contextlib.contextmanager
def running_cluster(folder: Path, make: Make = VALKEY) -> Iterator[ValkeyCluster]:
    """A cluster of three masters that is complete."""
    with contextlib.ExitStack() as stack:
        ports = _cluster_ports(make)
        options = ("cluster-enabled yes", "cluster-node-timeout 1000")
        nodes = tuple(
            ValkeyNode(port, folder / f"node-{port}", (*options, *_bus(make, bus)), make=make) for port, bus in ports
        )
        for node in nodes:
            stack.callback(node.stop)
            node.start()
        for node, (first, last) in zip(nodes, CLUSTER_RANGES, strict=True):
            with contextlib.closing(node.admin()) as admin:
                admin.execute_command("CLUSTER", "ADDSLOTS", *range(first, last + 1))
                for port, bus in ports:
                    admin.execute_command("CLUSTER", "MEET", HOST, port, bus)
        _until(lambda: all(_cluster_is_complete(node) for node in nodes), "cluster")
        yield ValkeyCluster(nodes)


def _bus(make: Make, port: int) -> tuple[str, ...]:
    return (f"cluster-port {port}",) if make.bus_is_configurable else ()


def _cluster_ports(make: Make) -> list[tuple[int, int]]:
    """Pairs of free ports, as far apart as the server wants them."""
    if make.bus_is_configurable:
        ports = free_ports(*[0] * 6)
        return list(zip(ports[:3], ports[3:], strict=True))
    pairs: list[tuple[int, int]] = []
    while len(pairs) < 3:
        (port,) = free_ports(0)
        bus = port + FIXED_BUS
        if bus < 65_536 and free_ports(bus) == (bus,) and (port, bus) not in pairs:
            pairs.append((port, bus))
    return pairs


def _acquaintances(port: int, ports: list[int], replica: ValkeyNode) -> list[str]:
    """Whom a sentinel would find by itself within some seconds."""
    return [
        f"sentinel myid {port:040x}",
        f"sentinel known-replica main {HOST} {replica.port}",
        *(f"sentinel known-sentinel main {HOST} {other} {other:040x}" for other in ports if other != port),
    ]


def _replica_is_up(master: ValkeyNode) -> bool:
    return _info(master, "replication").get("slave0", {}).get("state") == "online"


def _sentinel_knows_all(sentinel: ValkeyNode) -> bool:
    known = _info(sentinel, "sentinel").get("master0", {})
    return known.get("status") == "ok" and known.get("slaves") == 1 and known.get("sentinels") == 3


def _info(node: ValkeyNode, section: str) -> dict[str, dict[str, object]]:
    with contextlib.closing(node.admin()) as admin:
        return admin.info(section)


def _cluster_is_complete(node: ValkeyNode) -> bool:
    with contextlib.closing(node.admin()) as admin:
        info: bytes = admin.execute_command("CLUSTER", "INFO")
    return b"cluster_state:ok" in info and b"cluster_known_nodes:3" in info


def _until(condition: object, what: str) -> None:
    assert callable(condition)
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            raise ChildFailedError(f"{what} did not become ready")
        time.sleep(0.05)


@dataclass
class Wire:
    """A relay before a server: adds delay, adds TLS, cuts connections, loses answers."""

    port: int
    delay_s: float = 0.0
    connections: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def cut(self) -> None:
        """Reset every connection."""
        for writer in tuple(self._writers):
            writer.transport.abort()


@contextlib.asynccontextmanager
async def wired(target_port: int, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Wire]:
    """Relay to `target_port` on loopback; answers come `delay_s` late. With `tls` it is a TLS server."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        wire.connections += 1
        try:
            far_reader, far_writer = await asyncio.open_connection(HOST, target_port)
        except OSError:
            # Nobody is there: the client sees its connection reset.
            tasks.discard(task)
            writer.transport.abort()
            return
        wire._writers |= {writer, far_writer}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_relay(reader, far_writer, None))
                group.create_task(_relay(far_reader, writer, wire))
        except* OSError:
            pass
        finally:
            wire._writers -= {writer, far_writer}
            writer.transport.abort()
            far_writer.transport.abort()
            tasks.discard(task)

    server = await asyncio.start_server(serve, HOST, 0, ssl=tls)
    wire = Wire(server.sockets[0].getsockname()[1])
    try:
        yield wire
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, slow: Wire | None) -> None:
    while data := await reader.read(65_536):
        if slow is not None and slow.delay_s:
            await asyncio.sleep(slow.delay_s)
        writer.write(data)
        await writer.drain()
    raise ConnectionResetError
