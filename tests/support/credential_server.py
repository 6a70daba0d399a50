"""A loopback server that answers requests for credentials and remembers them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from kaigate.transport.egress import EgressGuard
from kaigate.transport.http import HttpClient

Answer = tuple[int, bytes]


@dataclass
class CredentialServer:
    """`answer` gives the next status and body; `requests` are the raw requests that came."""

    answer: Callable[[], Answer]
    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    delay_s: float = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        self.requests.append(head + await reader.readexactly(length))
        await asyncio.sleep(self.delay_s)
        status, body = self.answer()
        writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b" % (status, len(body), body))
        writer.close()


@asynccontextmanager
async def credential_server(answer: Callable[[], Answer]) -> AsyncIterator[tuple[CredentialServer, HttpClient]]:
    """The server, and a client that may reach it."""
    state = CredentialServer(answer)
    server = await asyncio.start_server(state.serve, "127.0.0.1", 0)
    state.port = server.sockets[0].getsockname()[1]
    client = HttpClient(guard=EgressGuard([("127.0.0.1", state.port)]))
    try:
        yield state, client
    finally:
        await client.aclose()
        server.close()
        await server.wait_closed()
