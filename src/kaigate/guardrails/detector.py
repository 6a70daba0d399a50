"""Everything that is looked for in a text, compiled: which patterns occur, and where the candidates are."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import re2

from kaigate.guardrails import connection_strings, private_keys
from kaigate.guardrails.characters import TOKEN, run_end
from kaigate.guardrails.findings import CONNECTION_STRING, LITERAL, PRIVATE_KEY, RANK, TYPES
from kaigate.guardrails.patterns import compile_patterns
from kaigate.guardrails.rules import CAP, Candidate, CompiledRule
from kaigate.guardrails.settings import RedactionSettings
from kaigate.guardrails.token_rules import token_rules

MAX_LITERAL: Final = 256
MIN_LITERAL: Final = 4
# `xoxb-` and ten more.
_SHORTEST: Final = 15

_Finder = Callable[[str, bytes, int, bool], Iterator[Candidate]]
_pending_bearer: Final[Any] = re2.compile(r"(?i)bearer[ \t\r\n]{1,8}$")
_BEARER_GAP: Final = 14
# An exception may look at this many characters before a finding, and at as many of its word behind it.
_AROUND: Final = 96


class Detector:
    """Compiled rules of a configuration; immutable and shared. `data` is always the text as ASCII, byte for character.

    `shortest`: no finding is shorter, but one in a URL. `phrases`: literals that hold other characters than tokens
    do, so that the end of a word doesn't decide about them.
    """

    __slots__ = ("_exceptions", "_finders", "_private_key", "_urls", "hits", "phrases", "shortest")

    def __init__(
        self, settings: RedactionSettings, *, cache_dir: Path | None = None, use_hyperscan: bool = True
    ) -> None:
        """Compile. Raises ValueError for a bad pattern, literal or type."""
        _check(settings)
        disabled = frozenset(settings.disabled_types)
        self._exceptions = tuple(map(_exception, settings.exceptions))
        patterns: list[str] = []
        finders: list[_Finder] = []
        for rule in token_rules(allow_checksums=settings.allow_checksums):
            if not disabled.issuperset(rule.types):
                patterns.append(rule.head)
                finders.append(CompiledRule(rule, disabled).candidates)
        literals = () if LITERAL in disabled else settings.literals
        for literal in literals:
            patterns.append(_ascii_pattern(literal))
            finders.append(_literal_finder(literal))
        self._urls = CONNECTION_STRING not in disabled
        if self._urls:
            patterns += connection_strings.TRIGGERS
            finders += [connection_strings.candidates] * len(connection_strings.TRIGGERS)
        self._private_key = -1
        if PRIVATE_KEY not in disabled:
            self._private_key = len(patterns)
            patterns.append(private_keys.TRIGGER)
        self._finders = tuple(finders)
        self.hits = compile_patterns(patterns, cache_dir=cache_dir, use_hyperscan=use_hyperscan).hits
        self.phrases = tuple(literal for literal in literals if literal.strip(TOKEN))
        self.shortest = min([_SHORTEST, *map(len, literals)])

    def block_begin(self, data: bytes, hits: Sequence[int]) -> tuple[int, int] | None:
        """The span of the first marker that begins a private key."""
        if self._private_key not in hits:
            return None
        found = private_keys.BEGIN.search(data)
        return None if found is None else found.span()

    def pending(self, text: str, data: bytes, cut: int) -> int:
        """Where something begins that needs the text behind `text`, or its last word at `cut`, to be decided."""
        tail = max(0, cut - _BEARER_GAP)
        bearer = _pending_bearer.search(data[tail:cut])
        first = min(cut, private_keys.pending_begin(data))
        if bearer is not None:
            first = min(first, tail + bearer.start())
        for phrase in self.phrases:
            first = min(first, _pending_phrase(text, phrase))
        return first

    def candidates(self, text: str, data: bytes, begin: int, hits: Sequence[int], *, final: bool) -> list[Candidate]:
        """Candidates that begin at or after `begin`, in the order in which they are decided.

        Known false positives have no type.
        """
        finders = {self._finders[hit] for hit in hits if hit != self._private_key}
        if self._urls and not final and b"://" in data:
            finders.add(connection_strings.candidates)
        found = [candidate for finder in finders for candidate in finder(text, data, begin, final)]
        if self._exceptions:
            found = [self._checked(text, each, final=final) for each in found]
        found.sort(key=_order)
        return found

    def _checked(self, text: str, found: Candidate, *, final: bool) -> Candidate:
        """The candidate without a type if an exception covers it; open, if that depends on what follows."""
        start, end = found.start, found.end
        if found.open or end - start > CAP:
            return found
        stop = run_end(text, end, TOKEN, end + _AROUND)
        if stop == len(text) < end + _AROUND and not final:
            return found._replace(open=True)
        begin = max(0, start - _AROUND)
        around = text[begin:stop].encode("ascii", "replace")
        for occurrences in self._exceptions:
            if any(each.start() <= start - begin and each.end() >= end - begin for each in occurrences(around)):
                return found._replace(type="")
        return found


def _order(found: Candidate) -> tuple[int, int]:
    return found.start, RANK.get(found.type, len(RANK))


def _check(settings: RedactionSettings) -> None:
    for literal in settings.literals:
        if not MIN_LITERAL <= len(literal) <= MAX_LITERAL:
            raise ValueError(f"a literal to redact must have {MIN_LITERAL} to {MAX_LITERAL} characters")
    for kind in settings.disabled_types:
        if kind not in TYPES:
            raise ValueError(f"{kind!r} is no type of secret; the types are: {', '.join(TYPES)}")


def _exception(pattern: str) -> Callable[[bytes], Iterator[Any]]:
    options = re2.Options()
    options.log_errors = False
    try:
        occurrences: Callable[[bytes], Iterator[Any]] = re2.compile(pattern, options).finditer
    except re2.error as error:
        raise ValueError(f"exception {pattern!r} is not a pattern of RE2: {error}") from error
    return occurrences


def _ascii_pattern(literal: str) -> str:
    return "".join(rf"\x{ord(char):02x}" for char in literal.encode("ascii", "replace").decode("ascii"))


def _literal_finder(literal: str) -> _Finder:
    def find(text: str, _data: bytes, begin: int, _final: bool) -> Iterator[Candidate]:
        at = text.find(literal, begin)
        while at >= 0:
            yield Candidate(at, at, at + len(literal), LITERAL, open=False)
            at = text.find(literal, at + 1)

    return find


def _pending_phrase(text: str, phrase: str) -> int:
    start = max(0, len(text) - len(phrase) + 1)
    at = text.find(phrase[0], start)
    while at >= 0:
        if phrase.startswith(text[at:]):
            return at
        at = text.find(phrase[0], at + 1)
    return len(text)
