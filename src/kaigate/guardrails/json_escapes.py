"""Escape sequences of JSON strings (RFC 8259, section 7), decoded with a note of how each was written."""

import re
from typing import Final, NamedTuple

_SHORT: Final = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_UNIT: Final = "u[0-9A-Fa-f]{4}"
# Anything else behind a backslash is no escape: the backslash stands for itself.
_escape: Final = re.compile(
    rf'\\(?:["\\/bfnrt]|u[Dd][89ABab][0-9A-Fa-f]{{2}}\\u[Dd][C-Fc-f][0-9A-Fa-f]{{2}}|{_UNIT})', re.ASCII
)
_incomplete: Final = re.compile(
    r"\\(?:u[0-9A-Fa-f]{0,3}|u[Dd][89ABab][0-9A-Fa-f]{2}(?:\\(?:u(?:[Dd](?:[C-Fc-f][0-9A-Fa-f]?)?)?)?)?)?\Z", re.ASCII
)
_LONGEST: Final = 12


class Escape(NamedTuple):
    """An escape of `length` characters that stands for the one character at `at` of the decoded text."""

    at: int
    length: int


def decode(text: str, offset: int, *, final: bool = False) -> tuple[str, list[Escape], int]:
    """Decode text that begins at `offset` of a longer decoded one.

    Returns the decoded text, its escapes, and how many characters were read: unless the text is final, an escape that
    may go on behind its end is left.
    """
    out: list[str] = []
    escapes: list[Escape] = []
    done = 0
    end = len(text) if final else _complete(text)
    for match in _escape.finditer(text, 0, end):
        start, stop = match.span()
        out.append(text[done:start])
        offset += start - done
        escapes.append(Escape(offset, stop - start))
        out.append(_character(text[start + 1 : stop]))
        offset += 1
        done = stop
    out.append(text[done:end])
    return "".join(out), escapes, end


def without_escapes(text: str) -> str:
    """JSON text without its escape sequences, so that each quote left begins or ends a string."""
    return _escape.sub("", text) if "\\" in text else text


def _complete(text: str) -> int:
    """Where an escape begins that is not complete; the end of the text if there is none."""
    last = text.rfind("\\")
    if last < len(text) - _LONGEST:
        return len(text)
    at = max(0, len(text) - _LONGEST)
    # Whether a backslash begins an escape depends on how many stand before it.
    while at and text[at - 1] == "\\":
        at -= 1
    while (at := text.find("\\", at)) >= 0:
        if _incomplete.match(text, at) is not None:
            return at
        match = _escape.match(text, at)
        at = at + 1 if match is None else match.end()
    return len(text)


def _character(body: str) -> str:
    if body[0] != "u":
        return _SHORT[body]
    unit = int(body[1:5], 16)
    if len(body) == 5:
        return chr(unit)
    return chr(0x10000 + ((unit - 0xD800) << 10) + int(body[7:11], 16) - 0xDC00)
