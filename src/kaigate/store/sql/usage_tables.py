"""Tables of usage. Times are Unix milliseconds, money is nano-dollars, days are UTC as `2026-03-01`.

`end_user` is the record's `user`, which is a reserved word of SQL.
"""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table

from kaigate.store.sql.base import metadata

# One row per admitted request, for as long as single records are kept.
usage_records: Final = Table(
    "usage_records",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("request_id", String(256), nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("team", String(64), nullable=False),
    Column("end_user", String(128), nullable=False),
    Column("model", String(256), nullable=False),
    Column("provider", String(64), nullable=False),
    Column("surface", String(64), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("nanodollars", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("estimated", Boolean, nullable=False),
    Index("ix_usage_records_at_ms", "at_ms"),
    # Kept in the order of the key, once: half the work of a table with an index beside it.
    sqlite_with_rowid=False,
)

# Sums over the records of a day, kept for good: every row is exact at every commit.
usage_daily: Final = Table(
    "usage_daily",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("key_id", String(64), primary_key=True),
    Column("team", String(64), primary_key=True),
    Column("end_user", String(128), primary_key=True),
    Column("model", String(256), primary_key=True),
    Column("provider", String(64), primary_key=True),
    Column("requests", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("blocked", BigInteger, nullable=False),
    Column("gone", BigInteger, nullable=False),
    Column("estimated", BigInteger, nullable=False),
    Column("nanodollars", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
)

# Records that can't be stored, as they came, for a person to look at.
usage_dead_letters: Final = Table(
    "usage_dead_letters",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("reason", String(256), nullable=False),
    Column("size", Integer, nullable=False),
    Column("record", LargeBinary, nullable=False),
    Index("ix_usage_dead_letters_at_ms", "at_ms"),
)
