"""The HTTP/1.1 client: one per process, a pool per upstream.

See `docs/adr` for why it is our own. What it never does: follow redirects, keep cookies, decompress, send to a host
that is not declared, or repeat a request that an upstream may have begun to answer.
"""

import asyncio
from collections.abc import Sequence
from typing import Literal

from kaigate.transport.connection import HttpConnection
from kaigate.transport.dial import Dialer
from kaigate.transport.egress import EgressGuard
from kaigate.transport.errors import ConnectFailed, StaleConnection
from kaigate.transport.pool import Pool
from kaigate.transport.proxy import ProxyPolicy
from kaigate.transport.response import Response
from kaigate.transport.target import ClientLimits, Deadlines, Origin, PoolStats, Target

__all__ = ["ClientLimits", "Deadlines", "HttpClient", "Origin", "PoolStats", "Response", "Target"]

CLOSE_TICKS = 100
CLOSE_TICK_S = 0.005


class HttpClient:
    """Sends requests to declared upstreams over bounded keep-alive pools."""

    def __init__(
        self, *, guard: EgressGuard, proxy: ProxyPolicy | None = None, limits: ClientLimits | None = None
    ) -> None:
        self._dialer = Dialer(guard, proxy or ProxyPolicy())
        self._limits = limits or ClientLimits()
        self._pools: dict[Target, Pool] = {}
        self._retired: list[Pool] = []
        self._closed = False

    async def send(  # noqa: PLR0917 - the parts of a request, in their order on the wire
        self,
        target: Target,
        method: str,
        path: str,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes,
        deadlines: Deadlines,
        *,
        required_zone: Literal["private"] | None = None,
        repeat: bool = True,
    ) -> Response:
        """Send a request; return when the response's status and headers have arrived.

        `headers` have no Host, Content-Length, Connection or Accept-Encoding: the client sets those. The caller closes
        the response. Raises TransportError; a cancelled call leaves nothing behind. A request is repeated once, not on
        an idle connection again, when a reused one turns out to be closed and not one byte of a response arrived.
        Without `repeat` that is a `StaleConnection`, for who must know that the server may have been restarted.
        """
        if required_zone is not None:
            self._dialer.guard.admit(target, required_zone)
        pool = self._pools.get(target) or self._add_pool(target)
        if target.max_connections != pool.max_connections:
            pool.resize(target.max_connections)
        head = pool.encoder.encode(method, path, headers, len(body))
        head_only = method == "HEAD"
        loop = pool.loop
        begun = started = loop.time()
        connection = pool.take()
        if connection is None:
            connection = await pool.acquire(deadlines)
            begun = loop.time()
        response = Response(loop, deadlines, started, begun)
        try:
            await connection.exchange(response, head, body, head_only=head_only)
        except StaleConnection:
            if not repeat or loop.time() > response.begun + self._limits.stale_retry_s:
                raise
        else:
            return response
        connection = await pool.acquire(deadlines)
        response = Response(loop, deadlines, started)
        await connection.exchange(response, head, body, head_only=head_only)
        return response

    def reconfigure(self, *, guard: EgressGuard, proxy: ProxyPolicy | None = None) -> None:
        """Use a new guard and proxy policy, and read TLS files anew, from the next exchange on.

        Idle connections are closed; exchanges under way end under the old configuration.
        """
        self._dialer = Dialer(guard, proxy or ProxyPolicy())
        for pool in self._pools.values():
            pool.retire()
        self._retired = [pool for pool in (*self._retired, *self._pools.values()) if not pool.empty]
        self._pools.clear()

    async def aclose(self) -> None:
        """Abort every exchange and connection; returns when the sockets are closed. Idempotent."""
        self._closed = True
        closing: list[HttpConnection] = []
        for pool in (*self._retired, *self._pools.values()):
            closing += pool.close()
        self._pools.clear()
        self._retired.clear()
        for _ in range(CLOSE_TICKS):
            if all(connection.closed for connection in closing):
                return
            await asyncio.sleep(CLOSE_TICK_S)

    def stats(self) -> list[PoolStats]:
        """One entry per pool; pools from before a `reconfigure` are listed until they are empty."""
        self._retired = [pool for pool in self._retired if not pool.empty]
        return [pool.stats() for pool in (*self._pools.values(), *self._retired)]

    def _add_pool(self, target: Target) -> Pool:
        if self._closed:
            raise ConnectFailed("the client is closed")
        dialer, limits = self._dialer, self._limits
        dialer.guard.admit(target)
        loop = asyncio.get_running_loop()

        async def dial(pool: Pool, deadlines: Deadlines) -> HttpConnection:
            return await dialer.open(target, deadlines, lambda: HttpConnection(loop, limits, pool))

        pool = Pool(loop, target, limits, dial)
        self._pools[target] = pool
        return pool
