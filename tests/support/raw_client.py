"""A client that writes the bytes it is told to, and notices what becomes of its connection."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

from support.gateway import Answer, Gateway, read_answer


@dataclass
class RawClient:
    """One connection to a gateway."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, data: bytes | str) -> None:
        self.writer.write(data if isinstance(data, bytes) else data.encode("latin-1"))

    async def send_in_pieces(self, *pieces: bytes, pause_s: float = 0.001) -> None:
        """Each piece arrives by itself."""
        for piece in pieces:
            self.send(piece)
            await asyncio.sleep(pause_s)

    async def answer(self, timeout_s: float = 5.0) -> Answer:
        async with asyncio.timeout(timeout_s):
            return await read_answer(self.reader)

    async def rest(self, timeout_s: float = 5.0) -> bytes:
        """Everything until the server ends the connection, in whatever way."""
        received = b""
        async with asyncio.timeout(timeout_s):
            with contextlib.suppress(ConnectionError):
                while data := await self.reader.read(65_536):
                    received += data
        return received


@contextlib.asynccontextmanager
async def connected(gateway: Gateway) -> AsyncIterator[RawClient]:
    """A connection, cut at the end of the block."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port, limit=1 << 24)
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        yield RawClient(reader, writer)
    finally:
        writer.transport.abort()
