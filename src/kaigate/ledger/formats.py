"""A report as CSV and as JSON."""

import csv
import io
from typing import Any, Final

import msgspec

from kaigate.ledger.query import Report
from kaigate.ledger.rollup import Sums
from kaigate.money import to_usd

# A cell that begins so is a formula to a spreadsheet: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_COUNTS: Final = tuple(name for name in Sums.__struct_fields__ if name != "nanodollars")


def to_csv(report: Report) -> str:
    """RFC 4180 with a header; without groups one row of totals. Money is in dollars, exactly.

    A name that a spreadsheet would compute begins with an apostrophe.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*report.query.group_by, *_COUNTS, "cost_usd"])
    rows = [(row.group, row.totals) for row in report.rows] if report.query.group_by else [((), report.totals)]
    for group, totals in rows:
        writer.writerow([*(_safe(name) for name in group), *_numbers(totals).values()])
    return out.getvalue()


def to_json(report: Report) -> dict[str, Any]:
    """`{"from", "to", "group_by", "data": [...], "totals": {...}, "truncated"}`; `cost_usd` is a string, exactly."""
    query = report.query
    return {
        "object": "list",
        "from": query.since.isoformat(),
        "to": query.until.isoformat(),
        "group_by": list(query.group_by),
        "data": [{**dict(zip(query.group_by, row.group, strict=True)), **_numbers(row.totals)} for row in report.rows],
        "totals": _numbers(report.totals),
        "truncated": report.truncated,
    }


def _numbers(totals: Sums) -> dict[str, int | str]:
    counts = msgspec.structs.asdict(totals)
    return {**{name: counts[name] for name in _COUNTS}, "cost_usd": to_usd(totals.nanodollars)}


def _safe(name: str) -> str:
    return f"'{name}" if name.startswith(_FORMULA) else name
