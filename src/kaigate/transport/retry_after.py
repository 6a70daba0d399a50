"""How long an upstream asks to wait: `Retry-After` (RFC 9110, 10.2.3) and `retry-after-ms` (Azure, OpenAI)."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

_MAX_CHARS: Final = 40
_NUMBER: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?")


def retry_after(headers: Mapping[str, str], *, now: float | None, most: float) -> float | None:
    """Seconds to wait, 0 to `most`; None where nothing is said that is understood. Names are in lower case.

    `now` is Unix time, from which a date is counted; None counts from the answer's own `Date`, which no clock that is
    wrong here or there can spoil.
    """
    exact = headers.get("retry-after-ms", "").strip()
    if _NUMBER.fullmatch(exact):
        return min(float(exact) / 1000, most)
    text = headers.get("retry-after", "").strip()
    if _NUMBER.fullmatch(text):
        return min(float(text), most)
    if now is None:
        now = _unix(headers.get("date", "").strip(), parsedate_to_datetime)
    return None if now is None else seconds_until(text, now, parsedate_to_datetime, most)


def seconds_until(text: str, now: float, read: Callable[[str], datetime], most: float) -> float | None:
    """From `now`, in Unix time, until a moment that `read` understands, 0 to `most`; None where it does not."""
    at = _unix(text, read)
    return None if at is None else min(max(at - now, 0.0), most)


def _unix(text: str, read: Callable[[str], datetime]) -> float | None:
    if not text or len(text) > _MAX_CHARS:
        return None
    try:
        when = read(text)
        return (when if when.tzinfo is not None else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
