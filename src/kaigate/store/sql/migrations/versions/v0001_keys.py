"""Virtual keys and teams."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001_keys"
down_revision: Final = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "key_revisions",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_key_revisions"),
    )
    op.create_table(
        "key_settings",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_key_settings"),
    )
    _create_teams()
    _create_keys()
    op.create_table(
        "key_hashes",
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("key_id", sa.String(32), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("hash", name="pk_key_hashes"),
        sa.ForeignKeyConstraint(["key_id"], ["keys.key_id"], name="fk_key_hashes_key_id_keys"),
    )
    op.create_index("ix_key_hashes_key_id", "key_hashes", ["key_id"])
    op.execute("INSERT INTO key_revisions (name, value) VALUES ('keys', 0)")


def _limits() -> list[sa.Column[int] | sa.Column[str]]:
    return [
        sa.Column("rpm", sa.BigInteger),
        sa.Column("tpm", sa.BigInteger),
        sa.Column("parallel", sa.BigInteger),
        sa.Column("budget", sa.BigInteger),
        sa.Column("budget_window", sa.String(16)),
        sa.Column("max_input_tokens", sa.BigInteger),
    ]


def _create_teams() -> None:
    op.create_table(
        "teams",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        *_limits(),
        sa.Column("created_by", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("blocked_at", sa.BigInteger),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_teams"),
    )
    op.create_index("ix_teams_revision", "teams", ["revision"])


def _create_keys() -> None:
    op.create_table(
        "keys",
        sa.Column("key_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("team", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        *(sa.Column(name, sa.Text) for name in ("models", "providers", "tools", "networks")),
        sa.Column("private_only", sa.Boolean, nullable=False),
        sa.Column("guardrail_profile", sa.String(64), nullable=False),
        sa.Column("end_users", sa.String(16), nullable=False),
        sa.Column("preset", sa.String(64)),
        *_limits(),
        sa.Column("created_by", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.BigInteger) for name in ("expires_at", "revoked_at", "last_used_at")),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key_id", name="pk_keys"),
    )
    op.create_index("ix_keys_revision", "keys", ["revision"])
    op.create_index("ix_keys_team", "keys", ["team"])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("key_hashes", "keys", "teams", "key_settings", "key_revisions"):
        op.drop_table(table)
