"""What a report is asked for and what it answers; plain data."""

import datetime as dt
from typing import Final, Literal, get_args

import msgspec

from kaigate.ledger.rollup import Sums

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


class ReportRow(msgspec.Struct, frozen=True):
    """One combination: the values of `group_by`, in that order, and its sums."""

    group: tuple[str, ...]
    totals: Sums


class Report(msgspec.Struct, frozen=True):
    """`totals` is over everything that was asked for, also where `truncated` says that there are more rows."""

    query: Query
    rows: tuple[ReportRow, ...]
    totals: Sums
    truncated: bool
