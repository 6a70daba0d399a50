"""Reports over the daily sums: spend, tokens, requests and blocks, by any combination of names and days."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, func, select

from kaigate.ledger.query import Dimension, Filters, Query, Report, ReportRow
from kaigate.ledger.rollup import Sums
from kaigate.store.sql.engine import Database
from kaigate.store.sql.usage_tables import usage_daily

_COLUMNS: Final[dict[Dimension, ColumnElement[str]]] = {
    "day": usage_daily.c.day,
    "key": usage_daily.c.key_id,
    "team": usage_daily.c.team,
    "user": usage_daily.c.end_user,
    "model": usage_daily.c.model,
    "provider": usage_daily.c.provider,
}
_SUMS: Final = tuple(func.sum(usage_daily.c[name]).label(name) for name in Sums.__struct_fields__)
_REQUESTS: Final = func.sum(usage_daily.c.requests)
_COST: Final = func.sum(usage_daily.c.nanodollars)


class Reports:
    """Reads only what is committed; the rows and the totals of a report are of one moment on SQLite."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def report(self, query: Query) -> Report:
        """The report; raises `StoreError`."""
        conditions = _conditions(query)
        async with self._db.connect() as connection:
            rows = (await connection.execute(_grouped(query, conditions))).all() if query.group_by else []
            total = (await connection.execute(select(*_SUMS).where(*conditions))).one()
        count = len(query.group_by)
        return Report(
            query,
            tuple(ReportRow(tuple(row[:count]), _totals(row[count:])) for row in rows[: query.limit]),
            _totals(total),
            truncated=len(rows) > query.limit,
        )


def _grouped(query: Query, conditions: list[ColumnElement[bool]]) -> Select[*tuple[Any, ...]]:
    columns = [_COLUMNS[name] for name in query.group_by]
    days = [_COLUMNS["day"]] if "day" in query.group_by else []
    return (
        select(*columns, *_SUMS)
        .where(*conditions)
        .group_by(*columns)
        # A correction may have emptied a row.
        .having(_REQUESTS > 0)
        .order_by(*days, _COST.desc(), *columns)
        .limit(query.limit + 1)
    )


def _conditions(query: Query) -> list[ColumnElement[bool]]:
    day = usage_daily.c.day
    conditions = [day >= query.since.isoformat(), day <= query.until.isoformat()]
    for name in Filters.__struct_fields__:
        wanted = getattr(query.filters, name)
        if wanted is not None:
            conditions.append(_COLUMNS[name] == wanted)  # type: ignore[index]  # filters are dimensions
    return conditions


def _totals(values: Row[Any] | tuple[Any, ...]) -> Sums:
    # No rows sum up to NULL, and PostgreSQL's sums of integers are decimals.
    return Sums(*(int(value or 0) for value in values))
