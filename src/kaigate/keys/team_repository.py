"""Teams in SQL: statements and rows, no rule."""

from typing import Any

import msgspec
from sqlalchemy import Row, delete, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kaigate.keys.record import TeamRecord
from kaigate.pipeline.principal import Limits
from kaigate.store.sql.key_tables import keys, teams


async def insert_team(connection: AsyncConnection, record: TeamRecord) -> None:
    """A new team; raises `StoreConflict` for a name that is taken."""
    await connection.execute(insert(teams).values(**_columns(record)))


async def update_team(connection: AsyncConnection, record: TeamRecord) -> None:
    """Overwrite a team."""
    await connection.execute(update(teams).where(teams.c.name == record.name).values(**_columns(record)))


async def delete_team(connection: AsyncConnection, name: str) -> None:
    """Remove a team that no key names."""
    await connection.execute(delete(teams).where(teams.c.name == name))


async def load_team(connection: AsyncConnection, name: str) -> TeamRecord | None:
    """One team."""
    row = (await connection.execute(select(teams).where(teams.c.name == name))).first()
    return None if row is None else _record(row)


async def list_teams(connection: AsyncConnection, after: str, limit: int) -> list[TeamRecord]:
    """At most `limit` teams after the name `after`, in the order of their names."""
    statement = select(teams).where(teams.c.name > after).order_by(teams.c.name).limit(limit)
    return [_record(row) for row in await connection.execute(statement)]


async def teams_since(connection: AsyncConnection, revision: int, limit: int) -> list[TeamRecord]:
    """At most `limit` teams that changed after `revision`, oldest change first."""
    statement = select(teams).where(teams.c.revision > revision).order_by(teams.c.revision).limit(limit)
    return [_record(row) for row in await connection.execute(statement)]


async def has_keys(connection: AsyncConnection, name: str) -> bool:
    """Whether any key, revoked ones too, names a team."""
    return bool((await connection.execute(select(exists().where(keys.c.team == name)))).scalar_one())


def _columns(record: TeamRecord) -> dict[str, Any]:
    fields = {name: getattr(record, name) for name in TeamRecord.__struct_fields__ if name != "limits"}
    return {**fields, **msgspec.structs.asdict(record.limits)}


def _record(row: Row[Any]) -> TeamRecord:
    columns = row._mapping  # noqa: SLF001 (SQLAlchemy's public name for a row by column names)
    fields = {name: columns[name] for name in TeamRecord.__struct_fields__ if name != "limits"}
    limits = Limits(**{name: columns[name] for name in Limits.__struct_fields__})
    return TeamRecord(**fields, limits=limits)
