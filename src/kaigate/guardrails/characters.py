"""Character classes of secrets, and where runs of them begin and end."""

import sys
from typing import Final

DIGITS: Final = "0123456789"
HEX: Final = "0123456789abcdefABCDEF"
ALNUM: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
BASE64: Final = ALNUM + "+/"
BASE64_URL: Final = ALNUM + "_-"
TOKEN68: Final = ALNUM + "-._~+/="  # RFC 6750, section 2.1
# Every secret without a space is made of these, so a text can be cut behind any other character.
TOKEN: Final = ALNUM + "_-.+/=~:@%"

_ALNUM_SET: Final = frozenset(ALNUM)
_HEX_SET: Final = frozenset(HEX)
_STEP: Final = 4096


def run_end(text: str, start: int, characters: str, limit: int = sys.maxsize) -> int:
    """Index of the first character at or after `start` that is not one of `characters`; at most `limit`."""
    while start < limit:
        piece = text[start : min(start + _STEP, limit)]
        rest = len(piece.lstrip(characters))
        start += len(piece) - rest
        if rest or len(piece) < _STEP:
            return start
    return start


def left_bounded(text: str, start: int) -> bool:
    """Whether a secret may begin at `start`: not in the middle of a word, but right after an escape sequence."""
    if not start or text[start - 1] not in _ALNUM_SET:
        return True
    return any(start >= length and escape_length(text, start - length) == length for length in (2, 3, 4, 6))


def escape_length(text: str, start: int) -> int:
    r"""Length of an escape sequence (`\n`, `\x3d`, `\u003d`, `%3D`) that begins at `start`; 0 if there is none."""
    lead = text[start]
    if lead == "%" and _is_hex(text, start + 1, 2):
        return 3
    if lead != "\\":
        return 0
    kind = text[start + 1 : start + 2]
    if kind == "u" and _is_hex(text, start + 2, 4):
        return 6
    if kind == "x" and _is_hex(text, start + 2, 2):
        return 4
    return 2 if kind and kind in "nrtbf" else 0


def run_start_after_escape(text: str, start: int) -> int:
    """Where a run of characters that begins at `start` really begins: not with letters of an escape before it."""
    if start and text[start - 1] in "\\%":
        return max(start, start - 1 + escape_length(text, start - 1))
    return start


def _is_hex(text: str, start: int, count: int) -> bool:
    digits = text[start : start + count]
    return len(digits) == count and _HEX_SET.issuperset(digits)
