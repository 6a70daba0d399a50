"""The SQL that changes the ledger, for both dialects.

Many rows travel as one JSON document: the statement's text stays the same for every batch, and building a statement of
thousands of parameters would hold up the event loop that serves requests. SQLite is given its single records one by
one, in one call of its driver, which costs it a third of taking a document apart.
"""

from typing import Final, Literal

import msgspec
from sqlalchemy import TextClause, text


class Statements(msgspec.Struct, frozen=True):
    """`take` (`:ids`) removes estimates and gives them; `add` (`:rows`) adds to daily sums."""

    take: TextClause
    add: TextClause


_ADDITION: Final = """
ON CONFLICT (day, key_id, team, end_user, model, provider) DO UPDATE SET
    requests = usage_daily.requests + excluded.requests,
    failed = usage_daily.failed + excluded.failed,
    blocked = usage_daily.blocked + excluded.blocked,
    gone = usage_daily.gone + excluded.gone,
    estimated = usage_daily.estimated + excluded.estimated,
    nanodollars = usage_daily.nanodollars + excluded.nanodollars,
    input_tokens = usage_daily.input_tokens + excluded.input_tokens,
    output_tokens = usage_daily.output_tokens + excluded.output_tokens,
    cached_tokens = usage_daily.cached_tokens + excluded.cached_tokens
"""

_INTO_RECORDS: Final = """
INSERT INTO usage_records (
    id, at_ms, request_id, key_id, team, end_user, model, provider, surface, outcome,
    nanodollars, input_tokens, output_tokens, cached_tokens, estimated
)
"""

_INTO_DAILY: Final = """
INSERT INTO usage_daily (
    day, key_id, team, end_user, model, provider,
    requests, failed, blocked, gone, estimated, nanodollars, input_tokens, output_tokens, cached_tokens
)
"""

# The rows are in one order in every gateway: two that store the same records wait for each other, never both.
INSERT: Final = text(
    _INTO_RECORDS
    + """
SELECT id, at_ms, request_id, key_id, team, "user", model, provider, surface, outcome,
    nanodollars, input_tokens, output_tokens, COALESCE(cached_tokens, 0), COALESCE(estimated, false)
FROM json_to_recordset(CAST(:rows AS json)) AS r(
    id text, at_ms bigint, request_id text, key_id text, team text, "user" text, model text, provider text,
    surface text, outcome text, nanodollars bigint, input_tokens bigint, output_tokens bigint,
    cached_tokens bigint, estimated boolean
)
ORDER BY id
ON CONFLICT (id) DO NOTHING
RETURNING id
"""
)
"""For PostgreSQL (`:rows`): gives the ids that are new."""

_POSTGRESQL: Final = Statements(
    take=text(
        """
DELETE FROM usage_records
WHERE id IN (SELECT json_array_elements_text(CAST(:ids AS json))) AND estimated
RETURNING id, at_ms, request_id, key_id, team, end_user, model, provider, surface, outcome,
    nanodollars, input_tokens, output_tokens, cached_tokens, estimated
"""
    ),
    add=text(
        _INTO_DAILY
        + """
SELECT day, key_id, team, "user", model, provider,
    requests, failed, blocked, gone, estimated, nanodollars, input_tokens, output_tokens, cached_tokens
FROM json_to_recordset(CAST(:rows AS json)) AS r(
    day text, key_id text, team text, "user" text, model text, provider text,
    requests bigint, failed bigint, blocked bigint, gone bigint, estimated bigint,
    nanodollars bigint, input_tokens bigint, output_tokens bigint, cached_tokens bigint
)
ORDER BY day, key_id, team, "user", model, provider
"""
        + _ADDITION
    ),
)

# `WHERE true` keeps SQLite's parser from reading ON CONFLICT as a join: https://www.sqlite.org/lang_upsert.html
PRESENT: Final = text("SELECT id FROM usage_records WHERE id IN (SELECT value FROM json_each(:ids))")
"""For SQLite, where nobody else writes before the commit: which of these are there already."""
INSERT_ONE: Final = _INTO_RECORDS + "VALUES (" + ", ".join("?" * 15) + ")"
"""For SQLite, with the fields of a record in their order."""

_SQLITE: Final = Statements(
    take=text(
        """
DELETE FROM usage_records
WHERE id IN (SELECT value FROM json_each(:ids)) AND estimated
RETURNING id, at_ms, request_id, key_id, team, end_user, model, provider, surface, outcome,
    nanodollars, input_tokens, output_tokens, cached_tokens, estimated
"""
    ),
    add=text(
        _INTO_DAILY
        + """
SELECT value ->> 'day', value ->> 'key_id', value ->> 'team', value ->> 'user', value ->> 'model',
    value ->> 'provider', value ->> 'requests', value ->> 'failed', value ->> 'blocked', value ->> 'gone',
    value ->> 'estimated', value ->> 'nanodollars', value ->> 'input_tokens', value ->> 'output_tokens',
    value ->> 'cached_tokens'
FROM json_each(:rows)
WHERE true
"""
        + _ADDITION
    ),
)

STATEMENTS: Final[dict[Literal["sqlite", "postgresql"], Statements]] = {
    "sqlite": _SQLITE,
    "postgresql": _POSTGRESQL,
}
