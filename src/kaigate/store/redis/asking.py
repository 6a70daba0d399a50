"""Calls that a cluster node answered with ASK: they go to the node that our slot is moving to."""

import asyncio
from typing import Any, Final

from kaigate.store.errors import StoreUnavailable
from kaigate.store.redis.connection import Connection, pack
from kaigate.store.redis.dial import Dialer
from kaigate.store.redis.url import Address

ASKING: Final = pack((b"ASKING",))


class ImportingNode:
    """A second connection while a slot moves. `timeout_s` is for the connection and the call together."""

    def __init__(self, dialer: Dialer, timeout_s: float) -> None:
        self._dialer = dialer
        self._timeout_s = timeout_s
        self._lock = asyncio.Lock()  # a burst opens one connection
        self._address: Address | None = None
        self._connection: Connection | None = None

    async def call(self, address: Address, packed: bytes) -> Any:
        """The reply of the node at `address`; raises StoreError."""
        try:
            async with asyncio.timeout(self._timeout_s):
                async with self._lock:
                    connection = await self._connected(address)
                # Both in one tick, so that nothing comes between them; nobody needs the first answer.
                connection.send(ASKING).cancel()
                return await connection.send(packed)
        except TimeoutError as error:
            raise StoreUnavailable("the keys are moving to another node") from error

    def close(self) -> None:
        """Close the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def _connected(self, address: Address) -> Connection:
        connection = self._connection
        if connection is None or not connection.usable or address != self._address:
            self.close()
            connection = await self._dialer.open(address, _forget)
            self._connection, self._address = connection, address
        return connection


def _forget(_connection: Connection, _reason: str) -> None:
    """The next call opens another one."""
