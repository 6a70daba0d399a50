"""The ledger of record: every request once, and daily sums that are exact at every commit."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Column, Row, delete, func, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from kaigate.ledger.record import UsageRecord
from kaigate.ledger.rollup import DAY_MS, Place, Sums, day_of, differences
from kaigate.ledger.statements import INSERT, INSERT_ONE, PRESENT, STATEMENTS
from kaigate.store.sql.engine import Database
from kaigate.store.sql.usage_tables import usage_daily, usage_dead_letters, usage_records

MAX_BATCH: Final = 1_000
RETENTION_DAYS: Final = 90
_DEAD_LETTER_BYTES: Final = 65_536
_encode: Final = msgspec.json.Encoder().encode

Scope = Literal["key", "team", "user", "model", "provider"]
# An end user is one of a key: two keys may use the same label for different people.
_SCOPES: Final[dict[Scope, tuple[Column[str], ...]]] = {
    "key": (usage_daily.c.key_id,),
    "team": (usage_daily.c.team,),
    "user": (usage_daily.c.key_id, usage_daily.c.end_user),
    "model": (usage_daily.c.model,),
    "provider": (usage_daily.c.provider,),
}


class Window(msgspec.Struct, frozen=True):
    """A budget window of everything in a scope; `since_ms` is the beginning of a UTC day."""

    scope: Scope
    since_ms: int


class Spent(msgspec.Struct, frozen=True):
    """What one name of a scope spent in a window, in nano-dollars; `user` is empty except in the scope of users."""

    window: Window
    name: str
    user: str
    nanodollars: int


class _Sum(msgspec.Struct, frozen=True):
    """A row of daily sums on its way into the database."""

    day: str
    key_id: str
    team: str
    user: str
    model: str
    provider: str
    requests: int
    failed: int
    blocked: int
    gone: int
    estimated: int
    nanodollars: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int


class Ledger:
    """Single records are kept for `retention_days`, daily sums for good. Every call raises `StoreError`."""

    def __init__(self, db: Database, *, retention_days: int = RETENTION_DAYS) -> None:
        self._db = db
        self._retention_ms = retention_days * DAY_MS
        self._statements = STATEMENTS[db.dialect]

    async def store(self, records: Sequence[UsageRecord]) -> None:
        """Add records that `accept` let pass. Repetition changes nothing; the true one replaces an estimated one.

        One transaction for each thousand. May be called by several gateways with the same records at the same time.
        """
        chosen = list(_one_per_id(records).values())
        for first in range(0, len(chosen), MAX_BATCH):
            async with self._db.begin() as connection:
                await self._store(connection, chosen[first : first + MAX_BATCH])

    async def bury(self, data: bytes, reason: str, at_ms: int) -> None:
        """Keep what can't be stored as a dead letter, once; only its first 64 KiB."""
        insert = sqlite_insert if self._db.dialect == "sqlite" else postgresql_insert
        letter = {
            "digest": hashlib.sha256(data).digest(),
            "at_ms": at_ms,
            "reason": reason[:256],
            "size": len(data),
            "record": data[:_DEAD_LETTER_BYTES],
        }
        async with self._db.begin() as connection:
            await connection.execute(insert(usage_dead_letters).values(letter).on_conflict_do_nothing())

    async def spent(self, windows: Iterable[Window]) -> list[Spent]:
        """What was spent since the windows began, for every name that spent anything."""
        found: list[Spent] = []
        async with self._db.connect() as connection:
            for window in dict.fromkeys(windows):
                found += await _spent(connection, window)
        return found

    async def prune(self, now_ms: int, batch: int = MAX_BATCH) -> int:
        """Delete up to `batch` single records, and as many dead letters, that are kept long enough: how many."""
        count = 0
        async with self._db.begin() as connection:
            for table, key in ((usage_records, usage_records.c.id), (usage_dead_letters, usage_dead_letters.c.digest)):
                old = select(key).where(table.c.at_ms < now_ms - self._retention_ms).order_by(table.c.at_ms)
                result = await connection.execute(delete(table).where(key.in_(old.limit(batch))))
                count += result.rowcount
        return count

    async def _store(self, connection: AsyncConnection, records: Sequence[UsageRecord]) -> None:
        added = await self._insert(connection, records)
        # What is there already is replaced only where it is an estimate and this is the truth. The insertion waited
        # for other gateways that store the same ids, so that what they left is seen here.
        ids = [record.id for record in records if not record.estimated and record.id not in added]
        removed = await self._take(connection, ids) if ids else []
        taken = {record.id for record in removed}
        if taken:
            added |= await self._insert(connection, [record for record in records if record.id in taken])
        changes = differences((record for record in records if record.id in added), removed)
        if changes:
            rows = [_row(place, sums) for place, sums in changes]
            await connection.execute(self._statements.add, {"rows": _encode(rows).decode()})

    async def _insert(self, connection: AsyncConnection, records: Sequence[UsageRecord]) -> set[str]:
        """Add those that are not there yet: their ids."""
        if self._db.dialect == "postgresql":
            return set((await connection.execute(INSERT, {"rows": _encode(records).decode()})).scalars())
        ids = {record.id for record in records}
        ids.difference_update(
            (await connection.execute(PRESENT, {"ids": _encode([record.id for record in records]).decode()})).scalars()
        )
        rows = [msgspec.structs.astuple(record) for record in records if record.id in ids]
        if rows:
            await connection.exec_driver_sql(INSERT_ONE, rows)
        return ids

    async def _take(self, connection: AsyncConnection, ids: Sequence[str]) -> list[UsageRecord]:
        result = await connection.execute(self._statements.take, {"ids": _encode(ids).decode()})
        return [_record(row) for row in result]


async def _spent(connection: AsyncConnection, window: Window) -> list[Spent]:
    if window.since_ms % DAY_MS:
        raise ValueError("a window begins at midnight UTC")
    columns = _SCOPES[window.scope]
    total = func.sum(usage_daily.c.nanodollars)
    query = (
        select(*columns, total)
        .where(usage_daily.c.day >= day_of(window.since_ms))
        .where(*(column != "" for column in columns))
        .group_by(*columns)
        .having(total != 0)
    )
    return [
        Spent(window, row[0], row[1] if len(columns) > 1 else "", int(row[-1]))
        for row in await connection.execute(query)
    ]


def _one_per_id(records: Iterable[UsageRecord]) -> dict[str, UsageRecord]:
    """The first of each id, or the first true one."""
    chosen: dict[str, UsageRecord] = {}
    for record in records:
        known = chosen.get(record.id)
        if known is None or (known.estimated and not record.estimated):
            chosen[record.id] = record
    return chosen


def _record(row: Row[Any]) -> UsageRecord:
    # SQLite has no booleans.
    return msgspec.convert({**row._asdict(), "user": row.end_user, "estimated": bool(row.estimated)}, UsageRecord)


def _row(place: Place, sums: Sums) -> _Sum:
    return _Sum(*msgspec.structs.astuple(place), *msgspec.structs.astuple(sums))
