"""Usage: records, daily sums, dead letters."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0002_usage"
down_revision: Final = "0001_keys"

_COUNTS: Final = ("nanodollars", "input_tokens", "output_tokens", "cached_tokens")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "usage_records",
        sa.Column("id", sa.String(128), nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("request_id", sa.String(256), nullable=False),
        *_names(),
        sa.Column("surface", sa.String(64), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in _COUNTS),
        sa.Column("estimated", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_usage_records"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_usage_records_at_ms", "usage_records", ["at_ms"])
    sums = ("requests", "failed", "blocked", "gone", "estimated", *_COUNTS)
    op.create_table(
        "usage_daily",
        sa.Column("day", sa.String(10), nullable=False),
        *_names(),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in sums),
        sa.PrimaryKeyConstraint("day", "key_id", "team", "end_user", "model", "provider", name="pk_usage_daily"),
    )
    op.create_table(
        "usage_dead_letters",
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String(256), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("record", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_usage_dead_letters"),
    )
    op.create_index("ix_usage_dead_letters_at_ms", "usage_dead_letters", ["at_ms"])


def _names() -> list[sa.Column[str]]:
    return [
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("team", sa.String(64), nullable=False),
        sa.Column("end_user", sa.String(128), nullable=False),
        sa.Column("model", sa.String(256), nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
    ]


def downgrade() -> None:
    """Drop the tables."""
    for table in ("usage_dead_letters", "usage_daily", "usage_records"):
        op.drop_table(table)
