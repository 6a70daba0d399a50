"""Budget windows: which one a moment lies in, and when that ends. All of them begin at midnight UTC."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

DAY_MS: Final = 86_400_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SPEC_CACHE: Final = 512


def budget_window(spec: str, now_ms: int) -> tuple[str, int]:
    """Name and end of the window, the end in milliseconds of Unix time, exclusively.

    `day`, `week` (ISO 8601, from Monday), `month`, or `Nd`: N days, aligned to multiples of N days since 1970-01-01.
    The name says when the window began and is unique among all specs. Raises ValueError for another spec.
    """
    return _of_day(spec, now_ms // DAY_MS)


@lru_cache(maxsize=_SPEC_CACHE)
def _of_day(spec: str, day: int) -> tuple[str, int]:
    begin = _begin(spec, day)
    if spec == "month":
        first = _date(begin)
        end = (datetime(first.year + first.month // 12, first.month % 12 + 1, 1, tzinfo=UTC) - _EPOCH).days
    else:
        end = begin + _length(spec)
    return f"{spec}-{_date(begin):%Y-%m-%d}", end * DAY_MS


def _begin(spec: str, day: int) -> int:
    """The window's first day, counted from the epoch."""
    if spec == "month":
        return day - _date(day).day + 1
    if spec == "week":
        return day - _date(day).weekday()
    return day - day % _length(spec)


def _length(spec: str) -> int:
    if spec in ("day", "week"):
        return 1 if spec == "day" else 7
    count = spec.removesuffix("d")
    if count == spec or not (count.isascii() and count.isdigit()) or int(count) < 1:
        raise ValueError("a budget window is day, week, month or a number of days such as 30d")
    return int(count)


def _date(day: int) -> datetime:
    return _EPOCH + timedelta(days=day)
