"""What the ledger takes: a record that it understands and that every database can hold."""

from typing import Final

import msgspec

from kaigate.ledger.record import UsageRecord, decode

# As wide as the columns of kaigate.store.sql.usage_tables, in characters.
_WIDTHS: Final = {
    "id": 128,
    "request_id": 256,
    "key_id": 64,
    "team": 64,
    "user": 128,
    "model": 256,
    "provider": 64,
    "surface": 64,
    "outcome": 16,
}
OUTCOMES: Final = frozenset({"ok", "failed", "blocked", "gone"})
# A million dollars and a trillion tokens in one request are a mistake, and sums of them would leave 64 bits.
MAX_NANODOLLARS: Final = 10**15
MAX_TOKENS: Final = 10**12
# The end of the year 9999, the last one that a day can be written of.
MAX_AT_MS: Final = 253_402_300_799_999


class UnacceptableError(ValueError):
    """A record that can't be stored, and why; the reason repeats nothing of it."""


def accept(data: bytes) -> UsageRecord:
    """The record of an entry of the outbox; raises `UnacceptableError`."""
    try:
        record = decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise UnacceptableError("not a usage record") from None
    for name, width in _WIDTHS.items():
        text: str = getattr(record, name)
        # PostgreSQL can't hold a NUL character.
        if len(text) > width or "\0" in text:
            raise UnacceptableError(f"{name} is longer than {width} characters or holds a NUL")
    if not record.id:
        raise UnacceptableError("id is empty")
    if record.outcome not in OUTCOMES:
        raise UnacceptableError("outcome is unknown")
    if not 0 <= record.at_ms <= MAX_AT_MS:
        raise UnacceptableError("at_ms is out of range")
    if not 0 <= record.nanodollars <= MAX_NANODOLLARS:
        raise UnacceptableError("nanodollars is out of range")
    if not all(0 <= count <= MAX_TOKENS for count in (record.input_tokens, record.output_tokens, record.cached_tokens)):
        raise UnacceptableError("a token count is out of range")
    return record
