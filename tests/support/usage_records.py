"""Usage records for tests."""

from typing import Any, Final

from kaigate.ledger.record import UsageRecord, encode

# 2026-03-01 12:00:00 UTC.
NOON_MS: Final = 1_772_366_400_000
DAY_MS: Final = 86_400_000


def usage_record(**changes: Any) -> UsageRecord:
    """A record of one request; any field can be changed."""
    fields: dict[str, Any] = {
        "id": "r1",
        "at_ms": NOON_MS,
        "request_id": "req-1",
        "key_id": "k1",
        "team": "ml",
        "user": "",
        "model": "gpt-5",
        "provider": "openai",
        "surface": "openai_chat",
        "outcome": "ok",
        "nanodollars": 1_500_000,
        "input_tokens": 100,
        "output_tokens": 20,
    }
    return UsageRecord(**{**fields, **changes})


def usage_bytes(**changes: Any) -> bytes:
    """The same as the outbox has it."""
    return encode(usage_record(**changes))
