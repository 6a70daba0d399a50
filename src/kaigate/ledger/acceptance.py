"""What the ledger takes: records that it understands and that every database can hold."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from kaigate.ledger.record import UsageRecord, decode, decode_all

_TEXTS: Final = ("id", "request_id", "key_id", "team", "user", "model", "provider", "surface")
# How JSON writes what PostgreSQL can't hold: a NUL character.
_NUL: Final = b"\\u0000"


class UnacceptableError(ValueError):
    """A record that can't be stored, and why; the reason repeats nothing of it."""


def accept(data: bytes) -> UsageRecord:
    """The record of one line of the outbox; raises `UnacceptableError`."""
    try:
        record = decode(data)
    except msgspec.ValidationError:
        raise UnacceptableError(_reason(data)) from None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise UnacceptableError("not a usage record") from None
    if _NUL in data:
        for name in _TEXTS:
            if "\0" in getattr(record, name):
                raise UnacceptableError(f"{name} holds a NUL")
    return record


def accept_all(lines: Sequence[bytes]) -> list[tuple[bytes, UsageRecord]] | None:
    """Every line with its record, in one go; None where one of them has to be looked at by itself."""
    data = b"[%b]" % b",".join(lines)
    if _NUL in data:
        return None
    try:
        records = decode_all(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    # A line that is no value by itself could make another number of values.
    return list(zip(lines, records, strict=True)) if len(records) == len(lines) else None


def _reason(data: bytes) -> str:
    """The field that is out of bounds, by decoding the others one after the other."""
    try:
        raw: Any = msgspec.json.decode(data)
    except (msgspec.MsgspecError, RecursionError):
        return "not a usage record"
    if isinstance(raw, dict):
        for field in msgspec.structs.fields(UsageRecord):
            if field.name not in raw:
                continue
            try:
                msgspec.convert(raw[field.name], field.type)
            except msgspec.ValidationError:
                return f"{field.name} is out of bounds"
    return "not a usage record"
