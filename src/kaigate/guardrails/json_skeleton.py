"""What must stay of JSON text whose strings are dropped, so that it remains JSON.

A private key is dropped up to its end marker, which may be in a later string (lines in an array) or never come. The
quotes, commas and brackets between are no part of it.
"""

import re
from typing import Final

from kaigate.guardrails.json_escapes import without_escapes

_piece: Final = re.compile(r"[{}\[\],:]|[ \t\r\n]+|[^{}\[\],:\s]+")
_literal: Final = re.compile(r"true|false|null|-?[0-9]{1,16}(?:\.[0-9]{1,16})?")
_MAX_LITERAL: Final = 34


class Skeleton:
    """Follows the quotes of JSON text, and keeps what is not in a string of what is dropped.

    `quoted`: the text so far ends within a string.
    """

    __slots__ = ("_began_quoted", "_word", "quoted")

    def __init__(self) -> None:
        self.quoted = False
        self._began_quoted = False
        self._word = ""

    def passed(self, raw: str) -> str:
        """Note text that is passed on; returns what has to stand before it."""
        word = self._finished_word()
        if without_escapes(raw).count('"') & 1:
            self.quoted = not self.quoted
        return word

    def begin(self) -> None:
        """A secret begins here."""
        self._began_quoted = self.quoted

    def dropped(self, raw: str) -> str:
        """What stays of text that is dropped: nothing of a secret that began outside of a string."""
        parts = without_escapes(raw).split('"')
        out: list[str] = []
        for number, part in enumerate(parts):
            if number:
                out.append(self._finished_word())
                out.append('"')
                self.quoted = not self.quoted
            if not self.quoted:
                self._outside(part, out)
        return "".join(out) if self._began_quoted else ""

    def _outside(self, part: str, out: list[str]) -> None:
        for piece in _piece.findall(part):
            if piece in "{}[],:" or piece.isspace():
                out.append(self._finished_word())
                out.append(piece)
            else:
                self._word = (self._word + piece)[:_MAX_LITERAL]

    def _finished_word(self) -> str:
        """A literal or a number is kept, anything else between strings is no JSON and may be part of the secret."""
        word, self._word = self._word, ""
        return word if word and self._began_quoted and _literal.fullmatch(word) is not None else ""
