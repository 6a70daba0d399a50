"""One database: bounded pool, bounded waits, and transactions that mean the same on SQLite and PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, Literal, Self

from sqlalchemy import Connection, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from kaigate.store.errors import StoreError
from kaigate.store.sql.failures import DRIVER_ERRORS, store_error
from kaigate.store.sql.url import parse_url

POOL_SIZE: Final = 5
POOL_OVERFLOW: Final = 5
CONNECT_TIMEOUT_S: Final = 3.0
STATEMENT_TIMEOUT_S: Final = 5.0
TRANSACTION_TIMEOUT_S: Final = 10.0
_RECYCLE_S: Final = 1800
_BEGIN: Final = "kaigate_sqlite_begin"


class Database:
    """Opens connections when they are needed: making one of these touches nothing but TLS files.

    At most ten connections; a connect, a statement and a whole transaction each have a deadline. Everything raises
    `StoreError`; `StoreConflict` where a constraint was violated.
    """

    __slots__ = ("_engine", "_writing", "dialect", "url")

    def __init__(self, url: str, *, statement_timeout_s: float = STATEMENT_TIMEOUT_S) -> None:
        """`url` as `parse_url` reads it; raises `StoreRefused` for one that can't be used. Blocking: see `open`."""
        parsed, arguments = parse_url(url)
        self.url = parsed
        self.dialect: Literal["sqlite", "postgresql"] = "sqlite" if parsed.drivername[0] == "s" else "postgresql"
        self._engine = _engine(parsed, arguments, statement_timeout_s)
        self._writing = self._engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
        if self.dialect == "sqlite":
            _prepare_sqlite(self._engine, statement_timeout_s)

    @classmethod
    async def open(cls, url: str) -> Self:
        """A database made off the event loop: the driver looks at paths and TLS files."""
        return await asyncio.to_thread(cls, url)

    @asynccontextmanager
    async def begin(self, *, timeout_s: float = TRANSACTION_TIMEOUT_S) -> AsyncIterator[AsyncConnection]:
        """A transaction that may write: committed at the end, rolled back when the block raises."""
        async with _bounded(timeout_s), self._writing.begin() as connection:
            yield connection

    @asynccontextmanager
    async def connect(self, *, timeout_s: float = TRANSACTION_TIMEOUT_S) -> AsyncIterator[AsyncConnection]:
        """A transaction that only reads; it is rolled back at the end."""
        async with _bounded(timeout_s), self._engine.connect() as connection:
            yield connection

    async def aclose(self) -> None:
        """Close every connection."""
        async with _bounded(TRANSACTION_TIMEOUT_S):
            await self._engine.dispose()

    def __repr__(self) -> str:
        return f"Database({self.dialect})"


@asynccontextmanager
async def _bounded(timeout_s: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except StoreError:
        raise
    except DRIVER_ERRORS as error:
        # The driver's error repeats statements and sometimes values: it goes no further.
        raise store_error(error) from None


def _engine(url: Any, arguments: dict[str, Any], statement_timeout_s: float) -> AsyncEngine:
    if url.drivername.startswith("sqlite"):
        arguments = {**arguments, "timeout": statement_timeout_s}
    else:
        milliseconds = str(round(statement_timeout_s * 1000))
        settings = {
            **arguments.pop("server_settings"),
            "statement_timeout": milliseconds,
            "lock_timeout": milliseconds,
            "idle_in_transaction_session_timeout": str(round(TRANSACTION_TIMEOUT_S * 2000)),
        }
        arguments = {
            **arguments,
            "timeout": CONNECT_TIMEOUT_S,
            # A second later than the server's own timeout: its answer says more than our giving up.
            "command_timeout": statement_timeout_s + 1,
            "server_settings": settings,
        }
    return create_async_engine(
        url,
        connect_args=arguments,
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=CONNECT_TIMEOUT_S,
        pool_recycle=_RECYCLE_S,
        pool_pre_ping=True,
        hide_parameters=True,
    )


def _prepare_sqlite(engine: AsyncEngine, busy_timeout_s: float) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        # Python's own implicit transactions begin late and not at all before DDL; `begun` begins them instead.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout = {round(busy_timeout_s * 1000)}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begun(connection: Connection) -> None:
        # A writer takes its lock first: two readers that both became writers would be a deadlock.
        connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))
