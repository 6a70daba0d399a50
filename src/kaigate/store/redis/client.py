"""The client of Valkey and Redis: one pipelined connection behind a breaker.

While the connection is up, calls go out on it. When it fails, every call fails at once, in microseconds, and one
background task looks for the server again, with a pause that grows to a second; the breaker closes when a new
connection has answered a PING in time. An idle connection is probed, so that a dead server is known before a call.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from kaigate.store.errors import StoreError, StoreUnavailable
from kaigate.store.redis.asking import ImportingNode
from kaigate.store.redis.connection import Argument, Connection, pack
from kaigate.store.redis.dial import Dialer, RedisTls
from kaigate.store.redis.replies import UNFIT, ErrorReply, Redirection
from kaigate.store.redis.script import Script
from kaigate.store.redis.topology import slot_of, topology_of
from kaigate.store.redis.url import Address, RedisUrl

PROBE_S: Final = 1.0
FIRST_PAUSE_S: Final = 0.01
LONGEST_PAUSE_S: Final = 1.0
# A connection that failed sooner did not mean that the server is well again.
STABLE_S: Final = 5.0
MAX_REDIRECTIONS: Final = 3

StateListener = Callable[[bool, str], None]


class Redis:
    """One server, Sentinel service or cluster.

    Seconds: `timeout_s` for a call, `connect_timeout_s` for a new connection with TLS and login. `max_pending` calls
    wait at most. In a cluster every key must contain `{hash_tag}`. `on_state` is told when the client becomes usable
    (True) or not (False), and why; it must not raise.
    """

    def __init__(
        self,
        url: RedisUrl,
        *,
        timeout_s: float = 0.05,
        connect_timeout_s: float = 1.0,
        tls: RedisTls | None = None,
        max_pending: int = 10_000,
        hash_tag: str = "kaigate",
        on_state: StateListener | None = None,
    ) -> None:
        self._timeout_s = timeout_s
        self._on_state = on_state
        self._dialer = Dialer(
            url, tls or RedisTls(), timeout_s=timeout_s, connect_timeout_s=connect_timeout_s, max_pending=max_pending
        )
        self._topology = topology_of(url, hash_tag, self._dialer, connect_timeout_s)
        self._slot = slot_of(hash_tag) if url.mode == "cluster" else None
        self._importing = ImportingNode(self._dialer, timeout_s)
        self._connection: Connection | None = None
        self._address: Address | None = None
        # Where the cluster says our slot is now, and the end of the move that calls wait for.
        self._moved_to: Address | None = None
        self._move: asyncio.Future[None] | None = None
        self._reason = "the store was not asked yet"
        self._told: tuple[bool, str] | None = None
        self._failures = 0
        self._since = 0.0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def healthy(self) -> bool:
        """Whether calls are sent to the server; False while the breaker is open."""
        return self._connection is not None

    async def start(self) -> None:
        """Try to connect once, and keep trying in the background; a server that is down is no error."""
        await self._attempt()
        self._task = asyncio.create_task(self._keep_connected(), name="redis connection")

    async def aclose(self) -> None:
        """Fail what waits and end the background task."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._importing.close()
        connection, self._connection = self._connection, None
        self._reason = "the client of the store is closed"
        if connection is not None:
            connection.close()

    async def command(self, *args: Argument) -> Any:
        """The reply to a command: bytes, int, None or a list of these.

        Raises StoreUnavailable (not executed), StoreTimeout (perhaps executed), ErrorReply (refused).
        """
        connection = self._connection
        if connection is None:
            raise StoreUnavailable(self._reason)
        packed = pack(args)
        try:
            return await connection.send(packed)
        except ErrorReply as refusal:
            return await self._again(connection, refusal, packed)

    def send(self, packed: bytes) -> asyncio.Future[Any]:
        """The reply to a packed command, without a second try: an ErrorReply says that it was not executed.

        Raises StoreUnavailable at once; the future raises what `command` does.
        """
        connection = self._connection
        if connection is None:
            raise StoreUnavailable(self._reason)
        return connection.send(packed)

    async def script(self, script: Script, keys: Sequence[bytes | str], args: Sequence[Argument]) -> Any:
        """The reply of a script; a server that does not know it is sent its source. Raises what `command` does."""
        connection = self._connection
        if connection is None:
            raise StoreUnavailable(self._reason)
        try:
            return await connection.send(pack((b"EVALSHA", script.sha1, len(keys), *keys, *args)))
        except ErrorReply as refusal:
            # EVAL runs the script wherever it is sent, and loads it.
            return await self._again(connection, refusal, pack((b"EVAL", script.source, len(keys), *keys, *args)))

    async def ping(self) -> float:
        """Seconds of a real round trip; raises StoreError."""
        started = time.perf_counter()
        await self.command(b"PING")
        return time.perf_counter() - started

    async def _again(self, connection: Connection, refusal: ErrorReply, packed: bytes) -> Any:
        """Repeat a call that the server refused to execute, where that helps; raises the refusal where it does not."""
        if refusal.code == "NOSCRIPT":
            return await connection.send(packed)
        for _ in range(MAX_REDIRECTIONS):
            if not isinstance(refusal, Redirection) or refusal.slot != self._slot:
                break
            address = refusal.address if refusal.address.host else self._on_same_host(refusal.address.port)
            try:
                if refusal.code == "ASK":
                    return await self._importing.call(address, packed)
                connection = await self._follow(connection, address)
                return await connection.send(packed)
            except ErrorReply as next_refusal:
                refusal = next_refusal
        if refusal.code in UNFIT:
            self._drop(connection, f"the store answered {refusal.code}")
        raise refusal

    def _on_same_host(self, port: int) -> Address:
        return Address(self._address.host if self._address is not None else "", port)

    async def _follow(self, left: Connection, address: Address) -> Connection:
        """The connection that replaces `left`; one for all calls that were sent away."""
        if self._connection is left and self._move is None:
            self._moved_to = address
            self._move = asyncio.get_running_loop().create_future()
            self._wake.set()
        if self._move is not None:
            await asyncio.wait((self._move,), timeout=self._timeout_s)
        connection = self._connection
        if connection is None or connection is left:
            raise StoreUnavailable("the keys have moved to another node")
        return connection

    async def _keep_connected(self) -> None:
        while True:
            if self._connection is None:
                await asyncio.sleep(self._pause_s())
                await self._attempt()
            elif self._moved_to is not None:
                await self._attempt_move(self._moved_to)
            elif not await self._woken():
                with contextlib.suppress(StoreError):  # the connection says itself that it is lost
                    await self.command(b"PING")

    async def _woken(self) -> bool:
        try:
            async with asyncio.timeout(PROBE_S):
                await self._wake.wait()
        except TimeoutError:
            return False
        self._wake.clear()
        return True

    def _pause_s(self) -> float:
        pause_s = min(FIRST_PAUSE_S * 2.0 ** min(self._failures, 16), LONGEST_PAUSE_S)
        return pause_s * random.uniform(0.5, 1)  # noqa: S311 (spreads replicas, guards nothing)

    async def _attempt(self) -> None:
        try:
            address = await self._topology.locate()
            connection = await self._dialer.open(address, self._lost)
        except StoreError as error:
            self._failures += 1
            self._tell(False, str(error))
        else:
            self._install(connection, address)

    async def _attempt_move(self, address: Address) -> None:
        left = self._connection
        try:
            self._install(await self._dialer.open(address, self._lost), address)
        except StoreError as error:
            if left is not None:
                self._drop(left, str(error))
        finally:
            self._end_move()

    def _install(self, connection: Connection, address: Address) -> None:
        if not connection.usable:  # lost since its PING
            self._failures += 1
            return
        replaced, self._connection = self._connection, connection
        self._address = address
        self._since = time.monotonic()
        if replaced is not None:
            replaced.retire()
        self._importing.close()
        self._tell(True, "")

    def _drop(self, connection: Connection, reason: str) -> None:
        """Stop using a connection whose node can't serve us; what waits on it still gets its answers."""
        self._lost(connection, reason)
        connection.retire()

    def _lost(self, connection: Connection, reason: str) -> None:
        if connection is not self._connection:
            return
        self._connection = None
        stable = time.monotonic() - self._since >= STABLE_S
        self._failures = 0 if stable else self._failures + 1
        self._end_move()
        self._tell(False, reason)
        self._wake.set()

    def _end_move(self) -> None:
        self._moved_to = None
        move, self._move = self._move, None
        if move is not None and not move.done():
            move.set_result(None)

    def _tell(self, healthy: bool, reason: str) -> None:
        self._reason = reason
        if self._on_state is not None and (healthy, reason) != self._told:
            self._on_state(healthy, reason)
        self._told = (healthy, reason)
