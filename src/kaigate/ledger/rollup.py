"""Daily sums: what one record adds to its day, and what replacing it by another changes."""

import datetime as dt
from collections.abc import Iterable
from typing import Final

import msgspec

from kaigate.ledger.record import UsageRecord

DAY_MS: Final = 86_400_000
# Where an outcome counts besides the requests; `ok` is nothing besides.
_OUTCOMES: Final = {"failed": 1, "blocked": 2, "gone": 3}


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


def differences(added: Iterable[UsageRecord], removed: Iterable[UsageRecord]) -> list[tuple[Place, Sums]]:
    """How the sums change, in the order of their places; places that stay as they are are left out."""
    # Per place in the fields of `Sums`; plain values, because this runs for every request.
    totals: dict[tuple[int, str, str, str, str, str], list[int]] = {}
    for records, sign in ((added, 1), (removed, -1)):
        for record in records:
            place = (record.at_ms // DAY_MS, record.key_id, record.team, record.user, record.model, record.provider)
            row = totals.get(place)
            if row is None:
                row = totals[place] = [0] * len(Sums.__struct_fields__)
            row[0] += sign
            position = _OUTCOMES.get(record.outcome)
            if position is not None:
                row[position] += sign
            if record.estimated:
                row[4] += sign
            row[5] += sign * record.nanodollars
            row[6] += sign * record.input_tokens
            row[7] += sign * record.output_tokens
            row[8] += sign * record.cached_tokens
    return [
        (Place(day_of(place[0] * DAY_MS), *place[1:]), Sums(*row)) for place, row in sorted(totals.items()) if any(row)
    ]
