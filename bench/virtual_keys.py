"""Many virtual keys at once, written into the gateway's database before it starts."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import insert

from kaigate.clock import SystemClock
from kaigate.keys.hashing import generate_key, key_digest, key_id, keyed_hash
from kaigate.keys.record import KeyRights
from kaigate.keys.repository import next_revision
from kaigate.keys.service import KeyService
from kaigate.pipeline.principal import Principal
from kaigate.store.sql.engine import Database
from kaigate.store.sql.key_tables import key_hashes, keys
from kaigate.store.sql.migrate import migrate

_FILL_S: Final = 300.0
_BENCH: Final = Principal("bench", "bench", master=True, role="master")


def fill(database: Path, pepper: str, count: int) -> tuple[str, ...]:
    """Put `count` keys without limits of their own into a new SQLite file; their secrets. Raises StoreError."""
    secrets = tuple(generate_key() for _ in range(count))
    asyncio.run(_write(Database(f"sqlite:///{database}"), pepper.encode(), secrets))
    return secrets


async def _write(db: Database, pepper: bytes, secrets: Sequence[str]) -> None:
    try:
        await migrate(db)
        await KeyService(db, pepper, SystemClock()).verify_pepper(_BENCH)
        async with db.begin(timeout_s=_FILL_S) as connection:
            made = _Made(round(time.time() * 1000), await next_revision(connection))
            await connection.execute(insert(keys), [made.key(secret) for secret in secrets])
            await connection.execute(insert(key_hashes), [made.hash(secret, pepper) for secret in secrets])
    finally:
        await db.aclose()


class _Made(msgspec.Struct, frozen=True):
    """Rows of keys that were made together."""

    at_ms: int
    revision: int

    def key(self, secret: str) -> dict[str, object]:
        """A key with the rights that one has about which nothing is said."""
        rights = msgspec.structs.asdict(KeyRights())
        del rights["limits"]
        return {
            **rights,
            "key_id": key_id(key_digest(secret.encode())),
            "name": "bench",
            "created_by": _BENCH.key_id,
            "created_at": self.at_ms,
            "updated_at": self.at_ms,
            "revision": self.revision,
        }

    def hash(self, secret: str, pepper: bytes) -> dict[str, object]:
        """Its secret."""
        name = key_id(key_digest(secret.encode()))
        return {"hash": keyed_hash(pepper, secret.encode()), "key_id": name, "created_at": self.at_ms}
