"""The benchmark's virtual keys are keys, and the load uses all of them in turn."""

import asyncio
import re
from pathlib import Path

from bench import messages
from bench.load import Job, run
from bench.virtual_keys import fill
from kaigate.clock import SystemClock
from kaigate.keys.directory import KeyDirectory
from kaigate.store.sql.engine import Database

PEPPER = "p" * 32
ANSWER = messages.answer_body()


async def test_every_key_is_known_to_the_gateway(tmp_path: Path) -> None:
    path = tmp_path / "kaigate.db"
    secrets = await asyncio.to_thread(fill, path, PEPPER, 25)
    database = await Database.open(f"sqlite:///{path}")
    directory = KeyDirectory(database, PEPPER.encode(), SystemClock())
    await directory.start()
    try:
        found = [directory.lookup(secret.encode()) for secret in secrets]
    finally:
        await directory.aclose()
        await database.aclose()

    # All were loaded at the start: nobody has to be waited for.
    assert len({principal.key_id for principal in found}) == 25


async def test_connections_take_the_keys_in_turn() -> None:
    seen: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            lengths = re.search(rb"Content-Length: (\d+)", head)
            keys = re.search(rb"Bearer (\w+)", head)
            assert lengths is not None
            assert keys is not None
            await reader.readexactly(int(lengths[1]))
            seen.append(keys[1].decode())
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER))
            if len(seen) == 9:
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        result = await run(Job(port, "chat", 1, "other", requests=9, keys=("a", "b", "c")))

    assert (result.requests, result.fault) == (9, None)
    assert seen == ["a", "b", "c"] * 3
