"""Daily sums: what one record adds to its day, and what replacing it by another changes."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from kaigate.ledger.record import UsageRecord

DAY_MS: Final = 86_400_000


class Place(msgspec.Struct, frozen=True, order=True):
    """Where a record counts. `day` is UTC, as `2026-03-01`."""

    day: str
    key_id: str
    team: str
    user: str
    model: str
    provider: str


class Sums(msgspec.Struct, frozen=True):
    """Counts of requests, tokens and nano-dollars; in a difference of two they may be negative.

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


def day_of(at_ms: int) -> str:
    """The UTC day of a Unix time in milliseconds."""
    return dt.datetime.fromtimestamp(at_ms // DAY_MS * 86_400, dt.UTC).date().isoformat()


def place_of(record: UsageRecord) -> Place:
    """Where a record counts."""
    return Place(day_of(record.at_ms), record.key_id, record.team, record.user, record.model, record.provider)


def sums_of(record: UsageRecord) -> Sums:
    """What a record adds."""
    return Sums(
        requests=1,
        failed=record.outcome == "failed",
        blocked=record.outcome == "blocked",
        gone=record.outcome == "gone",
        estimated=record.estimated,
        nanodollars=record.nanodollars,
        input_tokens=record.input_tokens,
        output_tokens=record.output_tokens,
        cached_tokens=record.cached_tokens,
    )


def differences(added: Iterable[UsageRecord], removed: Iterable[UsageRecord]) -> list[tuple[Place, Sums]]:
    """How the sums change, in the order of their places; places that stay as they are are left out."""
    totals: dict[Place, list[int]] = {}
    for records, sign in ((added, 1), (removed, -1)):
        for record in records:
            row = totals.setdefault(place_of(record), [0] * len(Sums.__struct_fields__))
            for position, value in enumerate(msgspec.structs.astuple(sums_of(record))):
                row[position] += sign * value
    return [(place, _sums(row)) for place, row in sorted(totals.items()) if any(row)]


def _sums(values: Sequence[int]) -> Sums:
    return Sums(*values)
