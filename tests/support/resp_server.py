"""A server that speaks RESP and answers what the test says, for the answers that a real one gives seldom."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import hiredis

from kaigate.store.redis.url import Address

OK = b"+OK\r\n"
PONG = b"+PONG\r\n"
MASTER = b"*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"

Reply = Callable[[tuple[bytes, ...]], bytes | tuple[float, bytes] | None]


@dataclass
class RespServer:
    """`commands` are those of each connection, in order."""

    address: Address
    commands: list[list[tuple[bytes, ...]]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"redis://{self.address.host}:{self.address.port}"

    def names(self, connection: int = 0) -> list[bytes]:
        return [command[0] for command in self.commands[connection]]


def well(command: tuple[bytes, ...]) -> bytes:
    """What a healthy master says."""
    match command[0]:
        case b"PING":
            return PONG
        case b"ROLE":
            return MASTER
    return OK


@contextlib.asynccontextmanager
async def resp_server(reply: Reply = well) -> AsyncIterator[RespServer]:
    """Listen on loopback; `reply` gives the answer's bytes, with the seconds to wait before, None for silence."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        commands: list[tuple[bytes, ...]] = []
        server.commands.append(commands)
        parser = hiredis.Reader()
        try:
            with contextlib.suppress(OSError):
                while data := await reader.read(65_536):
                    parser.feed(data)
                    while command := parser.gets():
                        commands.append(tuple(command))
                        answer = reply(commands[-1]) or b""
                        if isinstance(answer, tuple):
                            await asyncio.sleep(answer[0])
                            answer = answer[1]
                        writer.write(answer)
        finally:
            writer.transport.abort()
            tasks.discard(task)

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    server = RespServer(Address("127.0.0.1", listener.sockets[0].getsockname()[1]))
    try:
        yield server
    finally:
        listener.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
