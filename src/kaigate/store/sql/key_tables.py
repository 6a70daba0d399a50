"""Tables of virtual keys and teams. Times are Unix milliseconds, money is nano-dollars, lists are JSON text."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, LargeBinary, String, Table, Text

from kaigate.store.sql.base import metadata

# One row per change counter. Its row lock puts writers in a line, so that no reader sees a later change before an
# earlier one: what a sequence does not promise.
key_revisions: Final = Table(
    "key_revisions",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

# Facts about the whole table of keys, such as which pepper they were hashed with.
key_settings: Final = Table(
    "key_settings",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Text, nullable=False),
)


def _limits() -> list[Column[int] | Column[str]]:
    """The columns of limits, of a table's own: a column belongs to one table."""
    return [
        *(Column(name, BigInteger) for name in ("rpm", "tpm", "parallel", "budget")),
        Column("budget_window", String(16)),
        Column("max_input_tokens", BigInteger),
    ]


teams: Final = Table(
    "teams",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("description", Text, nullable=False),
    *_limits(),
    Column("created_by", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("blocked_at", BigInteger),
    Column("revision", BigInteger, nullable=False),
    Index("ix_teams_revision", "revision"),
)

keys: Final = Table(
    "keys",
    metadata,
    Column("key_id", String(32), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("team", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("models", Text),
    Column("providers", Text),
    Column("tools", Text),
    Column("networks", Text),
    Column("private_only", Boolean, nullable=False),
    Column("guardrail_profile", String(64), nullable=False),
    Column("end_users", String(16), nullable=False),
    Column("preset", String(64)),
    *_limits(),
    Column("created_by", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("last_used_at", BigInteger),
    Column("revision", BigInteger, nullable=False),
    Index("ix_keys_revision", "revision"),
    Index("ix_keys_team", "team"),
)

# A key has several of these while a rotation overlaps.
key_hashes: Final = Table(
    "key_hashes",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),
    Column("key_id", String(32), ForeignKey("keys.key_id"), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Index("ix_key_hashes_key_id", "key_id"),
)
