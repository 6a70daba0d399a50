"""Keys in SQL: statements and rows, no rule. Every statement is parameterised."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Row, and_, bindparam, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kaigate.keys.record import KeyRecord, KeyRights, Names
from kaigate.pipeline.principal import Limits
from kaigate.store.sql.key_tables import key_hashes, key_revisions, key_settings, keys

_LISTS: Final = ("models", "providers", "tools", "networks")
_PLAIN: Final = ("role", "team", "private_only", "guardrail_profile", "end_users", "preset", "expires_at")
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Names).decode


class KeyQuery(msgspec.Struct, frozen=True):
    """Which keys to list, in the order of their ids: those after `after`, at most `limit`."""

    team: str | None = None
    name: str | None = None
    include_revoked: bool = False
    after: str = ""
    limit: int = 100


class Known(msgspec.Struct, frozen=True):
    """A hash and the key behind it; `record` is None where the row can't be understood, and then admits nobody.

    `hash` is None for a key that has no hash. `hash_expires_at` is in Unix milliseconds.
    """

    key_id: str
    revision: int
    hash: bytes | None
    hash_expires_at: int | None
    record: KeyRecord | None


async def next_revision(connection: AsyncConnection) -> int:
    """The revision of a change. Its row stays locked until the transaction ends, so that changes are in a line."""
    counted = (
        update(key_revisions)
        .where(key_revisions.c.name == "keys")
        .values(value=key_revisions.c.value + 1)
        .returning(key_revisions.c.value)
    )
    return int((await connection.execute(counted)).scalar_one())


async def insert_key(connection: AsyncConnection, record: KeyRecord) -> None:
    """A new key; raises `StoreConflict` for an id that is taken."""
    await connection.execute(insert(keys).values(**_columns(record)))


async def update_key(connection: AsyncConnection, record: KeyRecord) -> None:
    """Overwrite a key, but for when it was last used."""
    columns = _columns(record)
    columns.pop("last_used_at")
    await connection.execute(update(keys).where(keys.c.key_id == record.key_id).values(**columns))


async def load_key(connection: AsyncConnection, key_id: str) -> KeyRecord | None:
    """One key, revoked ones too."""
    row = (await connection.execute(select(keys).where(keys.c.key_id == key_id))).first()
    return None if row is None else _record(row)


async def list_keys(connection: AsyncConnection, query: KeyQuery) -> list[KeyRecord]:
    """Keys that fit, in the order of their ids."""
    wanted: list[ColumnElement[bool]] = [keys.c.key_id > query.after]
    if query.team is not None:
        wanted.append(keys.c.team == query.team)
    if query.name is not None:
        wanted.append(keys.c.name == query.name)
    if not query.include_revoked:
        wanted.append(keys.c.revoked_at.is_(None))
    statement = select(keys).where(and_(*wanted)).order_by(keys.c.key_id).limit(query.limit)
    return [_record(row) for row in await connection.execute(statement)]


async def insert_hash(connection: AsyncConnection, key_id: str, digest: bytes, now_ms: int) -> None:
    """A further secret of a key."""
    await connection.execute(insert(key_hashes).values(hash=digest, key_id=key_id, created_at=now_ms))


async def expire_hashes(connection: AsyncConnection, key_id: str, at_ms: int) -> None:
    """End the present secrets of a key at `at_ms`, if they don't end earlier."""
    later = or_(key_hashes.c.expires_at.is_(None), key_hashes.c.expires_at > at_ms)
    statement = update(key_hashes).where(key_hashes.c.key_id == key_id, later).values(expires_at=at_ms)
    await connection.execute(statement)


_KNOWN: Final = select(
    keys, key_hashes.c.hash.label("hash"), key_hashes.c.expires_at.label("hash_expires_at")
).select_from(keys.outerjoin(key_hashes))


async def known_by_hash(connection: AsyncConnection, hashes: Sequence[bytes]) -> list[Known]:
    """The keys behind some hashes."""
    return [_known(row) for row in await connection.execute(_KNOWN.where(key_hashes.c.hash.in_(hashes)))]


async def known_since(connection: AsyncConnection, revision: int, limit: int) -> list[Known]:
    """At most `limit` keys that changed after `revision`, oldest change first, with all of their hashes."""
    page = select(keys.c.key_id).where(keys.c.revision > revision).order_by(keys.c.revision).limit(limit)
    statement = _KNOWN.where(keys.c.key_id.in_(page)).order_by(keys.c.revision)
    return [_known(row) for row in await connection.execute(statement)]


async def newest_known(connection: AsyncConnection, limit: int) -> list[Known]:
    """At most `limit` hashes of keys that are not revoked, those that changed last."""
    statement = _KNOWN.where(keys.c.revoked_at.is_(None)).order_by(keys.c.revision.desc()).limit(limit)
    return [_known(row) for row in await connection.execute(statement)]


async def last_revision(connection: AsyncConnection) -> int:
    """The revision of the last committed change."""
    statement = select(key_revisions.c.value).where(key_revisions.c.name == "keys")
    return int((await connection.execute(statement)).scalar_one())


_USED: Final = (
    update(keys)
    .where(
        keys.c.key_id == bindparam("used_key_id"),
        or_(keys.c.last_used_at.is_(None), keys.c.last_used_at < bindparam("used_at")),
    )
    .values(last_used_at=bindparam("used_at"))
)


async def record_use(connection: AsyncConnection, used_ms: Mapping[str, int]) -> None:
    """When keys were last used; other replicas may have seen them later."""
    # In one order everywhere, or two replicas could wait for each other.
    rows = [{"used_key_id": key_id, "used_at": used_ms[key_id]} for key_id in sorted(used_ms)]
    await connection.execute(_USED, rows)


def _columns(record: KeyRecord) -> dict[str, Any]:
    rights = record.rights
    lists = {name: getattr(rights, name) for name in _LISTS}
    return {
        **{name: getattr(record, name) for name in KeyRecord.__struct_fields__ if name != "rights"},
        **{name: getattr(rights, name) for name in _PLAIN},
        **{name: None if value is None else _encode(value).decode() for name, value in lists.items()},
        **msgspec.structs.asdict(rights.limits),
    }


def _record(row: Row[Any]) -> KeyRecord:
    columns = row._mapping  # noqa: SLF001 (SQLAlchemy's public name for a row by column names)
    lists = {name: None if columns[name] is None else _decode(columns[name]) for name in _LISTS}
    rights = {
        **{name: columns[name] for name in _PLAIN},
        **lists,
        "limits": {name: columns[name] for name in Limits.__struct_fields__},
    }
    fields = {name: columns[name] for name in KeyRecord.__struct_fields__ if name != "rights"}
    return KeyRecord(**fields, rights=msgspec.convert(rights, KeyRights))


def _known(row: Row[Any]) -> Known:
    columns = row._mapping  # noqa: SLF001 (SQLAlchemy's public name for a row by column names)
    try:
        record = _record(row)
    except (msgspec.ValidationError, msgspec.DecodeError):
        # Written by a newer release or by hand: whom it would admit is not known, so nobody.
        record = None
    return Known(columns["key_id"], columns["revision"], columns["hash"], columns["hash_expires_at"], record)


async def forget_hashes(connection: AsyncConnection, key_id: str, expired_before_ms: int) -> None:
    """Remove secrets of a key that ended long ago."""
    ended = and_(key_hashes.c.key_id == key_id, key_hashes.c.expires_at < expired_before_ms)
    await connection.execute(delete(key_hashes).where(ended))


async def setting(connection: AsyncConnection, name: str) -> str | None:
    """A fact about the whole table."""
    return (await connection.execute(select(key_settings.c.value).where(key_settings.c.name == name))).scalar()


async def put_setting(connection: AsyncConnection, name: str, value: str) -> None:
    """Set a fact about the whole table."""
    await connection.execute(delete(key_settings).where(key_settings.c.name == name))
    await connection.execute(insert(key_settings).values(name=name, value=value))


async def any_hash(connection: AsyncConnection) -> bool:
    """Whether there is any secret at all."""
    return (await connection.execute(select(key_hashes.c.key_id).limit(1))).first() is not None
