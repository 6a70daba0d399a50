"""Blocks of private keys: PEM (RFC 7468), OpenSSH and PGP, up to their end or to the end of the text."""

from typing import Any, Final

import re2

_LABEL: Final = "[A-Z0-9 ]{0,48}"

TRIGGER: Final = rf"(?i)-{{4}} ?BEGIN{_LABEL}PRIVATE KEY"
BEGIN: Final[Any] = re2.compile(rf"(?i)-{{4,5}} ?BEGIN{_LABEL}PRIVATE KEY(?: BLOCK)? ?-{{4}}")
END: Final[Any] = re2.compile(rf"(?i)-{{4,5}} ?END{_LABEL}KEY(?: BLOCK)? ?-{{4}}")
MAX_MARKER: Final = 96
"""No marker is longer."""

_part_of_begin: Final[Any] = re2.compile(r"(?i)-{4,5} ?(?:B|BE|BEG|BEGI|BEGIN[A-Z0-9 ]{0,72}-{0,3})?$")


def pending_begin(data: bytes) -> int:
    """Where a marker begins whose end is not here yet; the length of `data` if there is none."""
    offset = max(0, len(data) - MAX_MARKER)
    tail = data[offset:]
    if b"----" not in tail:
        return len(data)
    found = _part_of_begin.search(tail)
    return len(data) if found is None else offset + int(found.start())
