"""A bounded pool of keep-alive connections to one upstream, with a fair and bounded queue."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from kaigate.transport.connection import HttpConnection
from kaigate.transport.errors import ConnectFailed, PoolTimeout
from kaigate.transport.request import HeadEncoder
from kaigate.transport.target import ClientLimits, Deadlines, PoolStats, Target

Dial = Callable[["Pool", Deadlines], Awaitable[HttpConnection]]


class Pool:
    """Connections of one target: at most `max_connections`, the most recently used first.

    Invariant: open connections and connection attempts together never exceed the bound, and a slot or connection that
    becomes free goes to the longest waiter before any newcomer.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, target: Target, limits: ClientLimits, dial: Dial) -> None:
        self.target = target
        self.max_connections = target.max_connections
        self.encoder = HeadEncoder(target.origin.authority)
        self.loop = loop
        self._limits = limits
        self._dial = dial
        self._idle: list[HttpConnection] = []
        self._members: set[HttpConnection] = set()
        self._dialing = 0
        self._waiters: deque[asyncio.Future[HttpConnection | None]] = deque()
        self._retired = False
        self._closed = False

    def take(self) -> HttpConnection | None:
        """An idle connection, or None."""
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
            connection.abort()
        return None

    async def acquire(self, deadlines: Deadlines) -> HttpConnection:
        """A new connection, or one that another exchange hands over when the pool is full.

        A full pool gives up its oldest idle connection for a new one: who comes here does not want an idle one.
        Raises PoolTimeout, and what connecting raises. Nothing is kept when the caller is cancelled.
        """
        while True:
            if self._idle and self._used >= self.max_connections:
                self._idle[0].abort()
            if self._used < self.max_connections:
                self._dialing += 1
                return await self._open(deadlines)
            connection = await self._wait_turn(deadlines)
            if connection is None:
                return await self._open(deadlines)
            if connection.usable:
                return connection
            connection.abort()
            # It closed on the way here; its slot may have gone to another already, so queue again.

    async def _open(self, deadlines: Deadlines) -> HttpConnection:
        """Dial in a slot that is already counted."""
        try:
            connection = await self._dial(self, deadlines)
        except BaseException:
            self._dialing -= 1
            self._grant()
            raise
        self._dialing -= 1
        if self._closed:
            connection.abort()
            raise ConnectFailed("the client is closing")
        self._members.add(connection)
        return connection

    async def _wait_turn(self, deadlines: Deadlines) -> HttpConnection | None:
        """A connection handed over by its last user, or None for a slot (already counted) to dial in."""
        if len(self._waiters) >= self._limits.queue_length:
            raise PoolTimeout(f"too many exchanges wait for {self.target.origin.url}")
        waiter: asyncio.Future[HttpConnection | None] = self.loop.create_future()
        self._waiters.append(waiter)
        patience = min(self._limits.queue_s, deadlines.total_s)
        try:
            async with asyncio.timeout(patience):
                return await waiter
        except BaseException as error:
            self._give_back(waiter)
            if isinstance(error, TimeoutError):
                raise PoolTimeout(f"no connection to {self.target.origin.url} was free for {patience:g} s") from error
            raise

    def _give_back(self, waiter: asyncio.Future[HttpConnection | None]) -> None:
        if not waiter.done() or waiter.cancelled() or waiter.exception() is not None:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            return
        connection = waiter.result()
        if connection is None:
            self._dialing -= 1
            self._grant()
        elif connection.usable:
            self.released(connection)
        else:
            connection.abort()

    def released(self, connection: HttpConnection) -> None:
        """Take a connection back after a clean exchange: for a waiter, for the idle list, or to be closed."""
        now = self.loop.time()
        worn_out = now >= connection.born + self._limits.max_age_s
        if self._retired or worn_out or len(self._members) + self._dialing > self.max_connections:
            connection.abort()
            return
        waiter = self._next_waiter() if self._waiters else None
        if waiter is not None:
            waiter.set_result(connection)
            return
        self._idle.append(connection)
        connection.park(now + self._limits.keepalive_s)

    def gone(self, connection: HttpConnection) -> None:
        """Forget a closed connection; its slot goes to a waiter."""
        if connection not in self._members:
            return
        self._members.remove(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._grant()

    def _grant(self) -> None:
        while self._used < self.max_connections:
            waiter = self._next_waiter()
            if waiter is None:
                return
            self._dialing += 1
            waiter.set_result(None)

    def _next_waiter(self) -> asyncio.Future[HttpConnection | None] | None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                return waiter
        return None

    def resize(self, max_connections: int) -> None:
        """Another bound; who waits gets the slots that it adds."""
        self.max_connections = max_connections
        self._grant()

    @property
    def _used(self) -> int:
        return len(self._members) + self._dialing

    @property
    def empty(self) -> bool:
        """Whether nothing is open, being opened or waited for."""
        return not (self._members or self._dialing or self._waiters)

    def retire(self) -> None:
        """No connection is kept for later any more; exchanges under way go on."""
        self._retired = True
        for connection in list(self._idle):
            connection.abort()

    def close(self) -> list[HttpConnection]:
        """Refuse who waits and abort every connection; returns those whose sockets are being closed."""
        self._closed = True
        while (waiter := self._next_waiter()) is not None:
            waiter.set_exception(PoolTimeout("the client is closing"))
        connections = list(self._members)
        for connection in connections:
            connection.abort()
        return connections

    def stats(self) -> PoolStats:
        """Counts at this moment; a connection being opened is in use."""
        idle = len(self._idle)
        target = self.target
        waiting = sum(not waiter.done() for waiter in self._waiters)
        return PoolStats(target.origin.url, target.zone, idle, self._used - idle, waiting, self.max_connections)
