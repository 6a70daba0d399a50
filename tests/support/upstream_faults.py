"""Scripted upstreams on loopback: each connection runs a script that may break every rule of HTTP."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from kaigate.transport.egress import EgressGuard
from kaigate.transport.http import ClientLimits, Deadlines, HttpClient, Origin, Target
from kaigate.transport.tls import TlsSettings

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
QUICK = Deadlines(connect_s=1, first_byte_s=1, idle_s=1, total_s=3)


@dataclass
class Connection:
    """One accepted connection, numbered from 0, as a script sees it."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    upstream: "Upstream"

    async def request(self) -> bytes | None:
        """The next request, head and body; None when the client is gone."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = 0
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            request = head + await self.reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        self.upstream.requests.append(request)
        return request

    async def send(self, data: bytes) -> None:
        """Write and flush; raises ConnectionResetError when the client is gone."""
        if self.writer.is_closing():
            raise ConnectionResetError
        self.writer.write(data)
        with contextlib.suppress(ConnectionError):
            await self.writer.drain()

    def reset(self) -> None:
        """Close with RST rather than FIN."""
        self.writer.transport.abort()


Script = Callable[[Connection], Awaitable[None]]


@dataclass
class Upstream:
    """A running server: where it listens and what it saw."""

    port: int
    scheme: str
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    open: int = 0

    @property
    def origin(self) -> Origin:
        """Origin of the server, by address."""
        return Origin.parse(f"{self.scheme}://127.0.0.1:{self.port}")[0]

    def target(self, max_connections: int = 8, tls: TlsSettings | None = None) -> Target:
        """A private target for the server."""
        return Target(self.origin, "private", tls, max_connections)


@contextlib.asynccontextmanager
async def upstream(script: Script, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Upstream]:
    """Run `script` for each connection; connections that are still open at the end are cancelled."""
    state = Upstream(0, "http" if tls is None else "https")
    running: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
    failures: list[BaseException] = []

    async def serve(connection: Connection) -> None:
        writer = connection.writer
        try:
            await script(connection)
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            if tls is None:
                writer.close()
            else:
                writer.transport.abort()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(state.connections, reader, writer, state)
        state.connections += 1
        state.open += 1
        task = asyncio.get_running_loop().create_task(serve(connection))
        running[task] = writer
        task.add_done_callback(forget)

    def forget(task: asyncio.Task[None]) -> None:
        state.open -= 1
        writer = running.pop(task)
        if task.cancelled():
            # Before its first step it has not closed anything.
            writer.transport.abort()
        elif (error := task.exception()) is not None:
            failures.append(error)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls, limit=1 << 24)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()
        tasks = list(running)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)
    if failures:
        raise failures[0]


@contextlib.asynccontextmanager
async def client_for(*upstreams: Upstream, limits: ClientLimits | None = None) -> AsyncIterator[HttpClient]:
    """A client to which these upstreams are declared."""
    guard = EgressGuard([(each.origin.host, each.origin.port) for each in upstreams])
    client = HttpClient(guard=guard, limits=limits)
    try:
        yield client
    finally:
        await client.aclose()


def always(answer: bytes) -> Script:
    """Answer every request with these bytes and keep the connection."""

    async def script(connection: Connection) -> None:
        while await connection.request() is not None:
            await connection.send(answer)

    return script


def once(answer: bytes, *, wait_s: float = 0.0) -> Script:
    """Answer the first request with these bytes, wait, and close."""

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(answer)
        await asyncio.sleep(wait_s)

    return script


async def silence(connection: Connection) -> None:
    """Take the request and never answer."""
    await connection.request()
    await connection.reader.read()


def stall(answer: bytes) -> Script:
    """Answer the first request with these bytes and then say nothing more until the client is gone."""

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(answer)
        await connection.reader.read()

    return script


def drip(head: bytes, piece: bytes, every_s: float) -> Script:
    """Answer with `head`, then `piece` again and again until the client is gone."""

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(head)
        while not connection.writer.is_closing():
            await connection.send(piece)
            await asyncio.sleep(every_s)

    return script
