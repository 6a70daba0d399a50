"""What a report is asked for and what it answers; plain data."""

import datetime as dt
from typing import Final, Literal, get_args

import msgspec

Dimension = Literal["day", "key", "team", "user", "model", "provider"]
DIMENSIONS: Final[tuple[Dimension, ...]] = get_args(Dimension)
MAX_ROWS: Final = 10_000


class Filters(msgspec.Struct, frozen=True):
    """Exact names; None admits all, an empty name those without one."""

    key: str | None = None
    team: str | None = None
    user: str | None = None
    model: str | None = None
    provider: str | None = None


class Query(msgspec.Struct, frozen=True):
    """Sums over the UTC days from `since` to `until`, both included, for each combination of `group_by`.

    Rows are in the order of the day, then the dearest first; `limit` of them at most.
    """

    since: dt.date
    until: dt.date
    group_by: tuple[Dimension, ...] = ()
    filters: Filters = Filters()
    limit: int = MAX_ROWS

    def __post_init__(self) -> None:
        if self.since > self.until:
            raise ValueError("the first day is later than the last")
        if len(set(self.group_by)) != len(self.group_by):
            raise ValueError("a group is named twice")
        if not 1 <= self.limit <= MAX_ROWS:
            raise ValueError(f"a report has 1 to {MAX_ROWS} rows")


class Totals(msgspec.Struct, frozen=True):
    """Counts of requests, tokens and nano-dollars.

    `failed`, `blocked` (by a guardrail) and `gone` (the client left) are parts of `requests`, `cached_tokens` of
    `input_tokens`. `estimated` requests were charged by their reservation, and are corrected if the truth comes.
    """

    requests: int = 0
    failed: int = 0
    blocked: int = 0
    gone: int = 0
    estimated: int = 0
    nanodollars: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0


class ReportRow(msgspec.Struct, frozen=True):
    """One combination: the values of `group_by`, in that order, and its sums."""

    group: tuple[str, ...]
    totals: Totals


class Report(msgspec.Struct, frozen=True):
    """`totals` is over everything that was asked for, also where `truncated` says that there are more rows."""

    query: Query
    rows: tuple[ReportRow, ...]
    totals: Totals
    truncated: bool
