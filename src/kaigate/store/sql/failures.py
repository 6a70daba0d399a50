"""What a database driver raises, as the stores' own errors: no statement, no value, no password in the message."""

import asyncio
import sqlite3
from typing import Final

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import exc

from kaigate.store.errors import StoreError, StoreRefused, StoreTimeout, StoreUnavailable


class StoreConflict(StoreRefused):
    """What was to be written contradicts what is there: a name that is taken, a row that is gone."""


# https://www.postgresql.org/docs/current/errcodes-appendix.html
_TIMED_OUT: Final = frozenset({"57014", "55P03"})
_UNAVAILABLE_CLASSES: Final = ("08", "53", "57", "58", "40", "28", "3D", "XX")
_SQLITE_BUSY: Final = frozenset({"SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_INTERRUPT"})
_SQLITE_REFUSED: Final = frozenset({"SQLITE_ERROR", "SQLITE_MISUSE", "SQLITE_RANGE", "SQLITE_TOOBIG"})

DRIVER_ERRORS: Final = (exc.SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, sqlite3.Error, OSError)


def store_error(error: BaseException) -> StoreError:
    """The store's error for one of `DRIVER_ERRORS`."""
    if isinstance(error, StoreError):
        return error
    if isinstance(error, (TimeoutError, asyncio.TimeoutError, exc.TimeoutError)):
        return StoreTimeout("the database did not answer in time")
    if isinstance(error, OSError):
        return StoreUnavailable(f"the database cannot be reached: {type(error).__name__}")
    if isinstance(error, exc.IntegrityError):
        return StoreConflict("this contradicts what the database holds")
    lost = isinstance(error, exc.DBAPIError) and error.connection_invalidated
    cause = error.orig if isinstance(error, exc.DBAPIError) and error.orig is not None else error
    state = getattr(cause, "sqlstate", None)
    if isinstance(state, str):
        return _postgresql(state)
    name = getattr(cause, "sqlite_errorname", None)
    if isinstance(name, str):
        return _sqlite(name)
    if isinstance(cause, (TimeoutError, OSError)):
        return store_error(cause)
    if lost or isinstance(error, (asyncpg.InterfaceError, exc.InterfaceError, exc.OperationalError)):
        return StoreUnavailable("the connection to the database was lost")
    return StoreRefused(f"the database refused a statement: {type(cause).__name__}")


def _postgresql(state: str) -> StoreError:
    if state in _TIMED_OUT:
        return StoreTimeout(f"the database gave up on a statement: {state}")
    if state.startswith(_UNAVAILABLE_CLASSES):
        return StoreUnavailable(f"the database cannot serve now: {state}")
    if state.startswith("23"):
        return StoreConflict("this contradicts what the database holds")
    return StoreRefused(f"the database refused a statement: {state}")


def _sqlite(name: str) -> StoreError:
    if name.startswith(tuple(_SQLITE_BUSY)):
        return StoreTimeout(f"the database is in use: {name}")
    if name.startswith("SQLITE_CONSTRAINT"):
        return StoreConflict("this contradicts what the database holds")
    if name in _SQLITE_REFUSED:
        return StoreRefused(f"the database refused a statement: {name}")
    return StoreUnavailable(f"the database cannot serve now: {name}")
