import sqlite3

import asyncpg
import pytest
from sqlalchemy import exc

from kaigate.store.errors import StoreRefused, StoreTimeout, StoreUnavailable
from kaigate.store.sql.failures import StoreConflict, store_error


def sqlite(name: str) -> sqlite3.Error:
    error = sqlite3.OperationalError("secret-canary")
    error.sqlite_errorname = name
    return error


def wrapped(error: Exception, kind: type = exc.DBAPIError) -> exc.DBAPIError:
    return kind("SELECT 'secret-canary'", {"a": "secret-canary"}, error)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TimeoutError(), StoreTimeout),
        (exc.TimeoutError("secret-canary"), StoreTimeout),
        (ConnectionRefusedError("secret-canary"), StoreUnavailable),
        (asyncpg.QueryCanceledError("secret-canary"), StoreTimeout),
        (asyncpg.LockNotAvailableError("secret-canary"), StoreTimeout),
        (asyncpg.CannotConnectNowError("secret-canary"), StoreUnavailable),
        (asyncpg.TooManyConnectionsError("secret-canary"), StoreUnavailable),
        (asyncpg.DeadlockDetectedError("secret-canary"), StoreUnavailable),
        (asyncpg.UndefinedTableError("secret-canary"), StoreRefused),
        (asyncpg.UniqueViolationError("secret-canary"), StoreConflict),
        (asyncpg.InterfaceError("secret-canary"), StoreUnavailable),
        (wrapped(sqlite("SQLITE_BUSY")), StoreTimeout),
        (wrapped(sqlite("SQLITE_FULL")), StoreUnavailable),
        (wrapped(sqlite("SQLITE_IOERR_READ")), StoreUnavailable),
        (wrapped(sqlite("SQLITE_ERROR")), StoreRefused),
        (wrapped(sqlite("SQLITE_CONSTRAINT_UNIQUE")), StoreConflict),
        (wrapped(ValueError("secret-canary"), exc.IntegrityError), StoreConflict),
        (wrapped(ValueError("secret-canary"), exc.OperationalError), StoreUnavailable),
        (wrapped(TimeoutError("secret-canary")), StoreTimeout),
        (exc.InvalidRequestError("secret-canary"), StoreRefused),
        (StoreRefused("as it is"), StoreRefused),
    ],
)
def test_every_failure_has_its_kind_and_no_text_of_the_driver(error, kind):
    told = store_error(error)
    assert type(told) is kind
    assert "secret-canary" not in str(told)
