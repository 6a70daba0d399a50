"""Redaction of JSON text as it streams: tool-call arguments.

A model may write any character of a string as an escape, so strings are decoded for the automaton; what is released
unchanged leaves with the escapes it came with, and a placeholder needs none. What is no valid JSON is searched all the
same.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

from kaigate.guardrails.automaton import Segment
from kaigate.guardrails.redaction import Redactor

_SHORT: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "/": "/"}
_HEX: Final = frozenset("0123456789abcdefABCDEF")
# Stands for half a surrogate pair: like any character outside ASCII, it ends a word.
_LONE: Final = "\ufffd"


class JsonStreamRedactor:
    """Like `StreamRedactor`, over fragments of JSON text that may be cut anywhere, escapes included."""

    __slots__ = ("_automaton", "_escaped", "_pending", "_raw", "counts")

    def __init__(self, redactor: Redactor) -> None:
        self._automaton, self.counts = redactor.automaton()
        self._pending = ""
        # While escapes are about: how what the automaton holds was written, as (decoded length, raw text).
        self._raw: deque[tuple[int, str]] = deque()
        self._escaped = False

    @property
    def held(self) -> bool:
        """Whether something is held back or being suppressed."""
        return bool(self._pending) or self._automaton.held

    def feed(self, text: str) -> str:
        """What may be released now."""
        text = self._pending + text
        self._pending = ""
        if not self._escaped and "\\" not in text:
            return _joined(self._automaton.push(text))
        self._begin_escaped()
        return self._encoded(self._automaton.push(self._decoded(text)))

    def flush(self) -> str:
        """What is left at the end of the text; half an escape is searched and released as it stands."""
        self._begin_escaped()
        rest, self._pending = self._pending, ""
        if rest:
            self._raw.append((len(rest), rest))
        return self._encoded(self._automaton.push(rest) + self._automaton.finish())

    def _begin_escaped(self) -> None:
        if not self._escaped:
            self._escaped = True
            held = self._automaton.held_text
            if held:
                self._raw.append((len(held), held))

    def _decoded(self, text: str) -> str:
        """The text with its escapes decoded, noting how each was written; half an escape at the end waits."""
        out: list[str] = []
        start = 0
        while (at := text.find("\\", start)) >= 0:
            decoded, length = _escape(text, at)
            if not length:
                break
            if at > start:
                self._note(text[start:at], out)
            if length == 1:
                self._note(decoded, out)
            else:
                self._raw.append((1, text[at : at + length]))
                out.append(decoded)
            start = at + length
        else:
            at = len(text)
        if at > start:
            self._note(text[start:at], out)
        self._pending = text[at:]
        return "".join(out)

    def _note(self, text: str, out: list[str]) -> None:
        self._raw.append((len(text), text))
        out.append(text)

    def _encoded(self, segments: Sequence[Segment]) -> str:
        out = []
        for text, replacement in segments:
            raw = self._take(len(text))
            out.append(raw if replacement is None else replacement)
        if all(length == len(raw) for length, raw in self._raw):
            self._raw.clear()
            self._escaped = False
        return "".join(out)

    def _take(self, length: int) -> str:
        """How the next `length` decoded characters were written."""
        out = []
        while length > 0:
            size, raw = self._raw.popleft()
            if size > length:
                # Only text without escapes is noted in pieces longer than one character.
                self._raw.appendleft((size - length, raw[length:]))
                size, raw = length, raw[:length]
            out.append(raw)
            length -= size
        return "".join(out)


def _joined(segments: Sequence[Segment]) -> str:
    return "".join(text if replacement is None else replacement for text, replacement in segments)


def _escape(text: str, at: int) -> tuple[str, int]:
    """The character that the escape at `at` stands for, and the escape's length.

    Length 0: it is not complete yet. Length 1: it is no escape, and the backslash stands for itself.
    """
    kind = text[at + 1 : at + 2]
    if kind in _SHORT:
        return _SHORT[kind], 2
    if kind not in ("u", ""):
        return "\\", 1
    first = _code_unit(text, at)
    if first is None:
        return "", 0
    if first < 0:
        return "\\", 1
    if not 0xD800 <= first <= 0xDFFF:
        return chr(first), 6
    if first >= 0xDC00:
        return _LONE, 6
    if len(text) - at < 8 and "\\u".startswith(text[at + 6 :]):
        return "", 0
    second = _code_unit(text, at + 6) if text.startswith("\\u", at + 6) else -1
    if second is None:
        return "", 0
    if 0xDC00 <= second <= 0xDFFF:
        return chr(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)), 12
    return _LONE, 6


def _code_unit(text: str, at: int) -> int | None:
    """The value of `\\uXXXX` at `at`; -1 for what is no such escape, None where it may still become one."""
    digits = text[at + 2 : at + 6]
    if not _HEX.issuperset(digits):
        return -1
    return int(digits, 16) if len(digits) == 4 else None
