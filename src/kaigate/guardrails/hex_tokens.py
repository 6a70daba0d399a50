"""Long hexadecimal tokens, told apart from identifiers that are no secrets by what is written before them."""

from dataclasses import dataclass
from typing import Any, Final

import re2

from kaigate.guardrails.characters import HEX
from kaigate.guardrails.findings import HEX_TOKEN
from kaigate.guardrails.rules import Rule, Verdict

MIN_LENGTH: Final = 32
_SAMPLE: Final = 64
# Decimal digits alone are a number; a mask or a padded counter has few different digits.
_MIN_DISTINCT: Final = 5
_DECIMAL: Final = frozenset("0123456789")


@dataclass(frozen=True, slots=True)
class Identifier:
    """A kind of identifier: its lengths, and the words before it, within `reach` characters."""

    lengths: frozenset[int]
    words: str
    reach: int


GIT_OBJECT: Final = Identifier(
    frozenset((40, 64)),
    r"(?i)(?:^|[^a-z0-9])(?:git|gitlab|github|commits?|committed|sha|sha1|revisions?|rev|revert(?:s|ed)?|head|refs?"
    r"|branch|merged?|parents?|tree|blob|checkout|cherry.picked|cherry.pick|bisect|changeset)(?:$|[^a-z0-9])",
    64,
)
UUID: Final = Identifier(frozenset((32,)), r"(?i)(?:uu|gu)id", 24)
TRACE: Final = Identifier(frozenset((32,)), r"(?i)trace.?id|traceparent", 24)
CHECKSUM: Final = Identifier(
    frozenset((32, 40, 56, 64, 96, 128)),
    r"(?i)(?:sha.?(?:1|224|256|384|512)|md5|blake[23][bs]?|checksum|digest|etag)(?:sum)?(?:$|[^a-z0-9\n][^\n]{0,32}$)",
    48,
)


class HexJudge:
    """Judges a whole run of hex digits."""

    __slots__ = ("_identifiers",)

    def __init__(self, identifiers: tuple[Identifier, ...]) -> None:
        self._identifiers: tuple[tuple[Identifier, Any], ...] = tuple(
            (each, re2.compile(each.words)) for each in identifiers
        )

    def __call__(self, text: str, start: int, end: int) -> Verdict:
        """A token, unless the words before it name it as something else."""
        length = end - start
        if length < MIN_LENGTH:
            return None
        sample = set(text[start : min(end, start + _SAMPLE)])
        if sample <= _DECIMAL or len({char.lower() for char in sample}) < _MIN_DISTINCT:
            return None
        for identifier, words in self._identifiers:
            if length in identifier.lengths:
                before = text[max(0, start - identifier.reach) : start].encode("ascii", "replace")
                if words.search(before) is not None:
                    return None
        return HEX_TOKEN, end


def hex_rule(*, allow_checksums: bool) -> Rule:
    """The rule of hex tokens."""
    identifiers = (GIT_OBJECT, UUID, TRACE, CHECKSUM) if allow_checksums else (GIT_OBJECT, UUID, TRACE)
    return Rule(
        (HEX_TOKEN,), head=rf"[0-9A-Fa-f]{{{MIN_LENGTH}}}", grows=HEX, whole_run=True, judge=HexJudge(identifiers)
    )
