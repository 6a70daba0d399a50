"""Redaction of secrets in whole texts and in streams, by one automaton."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Self

import msgspec
import re2

from kaigate.guardrails import triggers
from kaigate.guardrails.automaton import Automaton, Grammar, Segment
from kaigate.guardrails.findings import Finding, SecretType
from kaigate.guardrails.rules import RULES, literal_rule
from kaigate.guardrails.settings import RedactionSettings

__all__ = ["Redaction", "RedactionSettings", "Redactor", "StreamRedactor"]


class Redaction(msgspec.Struct, frozen=True):
    """A redacted text; the findings' offsets are code points of the original."""

    text: str
    findings: tuple[Finding, ...] = ()


class StreamRedactor:
    """One field of a stream. `counts` maps each type to its redactions so far."""

    __slots__ = ("_automaton", "counts")

    def __init__(self, grammar: Grammar) -> None:
        self.counts: dict[str, int] = {}
        self._automaton = Automaton(grammar, self._count)

    def feed(self, text: str) -> str:
        """What may be released now."""
        return _joined(self._automaton.push(text))

    def flush(self) -> str:
        """What is left at the end of the text."""
        return _joined(self._automaton.finish())

    @property
    def held(self) -> bool:
        """Whether something is held back or being suppressed."""
        return self._automaton.held

    def _count(self, kind: SecretType) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1


class Redactor:
    """Compiled and immutable: one for all requests of a configuration. For one thread at a time."""

    __slots__ = ("_grammar",)

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar

    @classmethod
    def build(cls, settings: RedactionSettings, *, cache_dir: Path | None = None, use_hyperscan: bool = True) -> Self:
        """Compile a redactor, or load it from `cache_dir`. Blocking.

        Raises ValueError for an exception that is no linear-time pattern, and for a literal that can't be found:
        4 or more printable ASCII characters without spaces and quotes.
        """
        for literal in settings.literals:
            _check_literal(literal)
        rules = (literal_rule(settings.literals), *RULES) if settings.literals else RULES
        exceptions = [_compiled(pattern) for pattern in settings.exceptions]
        return cls(
            Grammar(
                rules=rules,
                triggered=triggers.build(settings.literals, cache_dir=cache_dir, use_hyperscan=use_hyperscan),
                excepted=partial(_excepted, exceptions) if exceptions else None,
                disabled=frozenset(settings.disabled_types),
                shortest=min([10, *map(len, settings.literals)]),
            )
        )

    def redact(self, text: str) -> Redaction:
        """The whole text redacted; the very same string where nothing was found."""
        if not self._grammar.triggered(text):
            return Redaction(text)
        types: list[SecretType] = []
        automaton = Automaton(self._grammar, types.append)
        segments = automaton.push(text) + automaton.finish()
        if not types:
            return Redaction(text)
        return Redaction(_joined(segments), _located(segments, types))

    def stream(self) -> StreamRedactor:
        """A redactor for one field of a stream."""
        return StreamRedactor(self._grammar)

    def automaton(self) -> tuple[Automaton, dict[str, int]]:
        """The automaton itself, with its counts, for texts that are not plain."""
        stream = StreamRedactor(self._grammar)
        return stream._automaton, stream.counts  # noqa: SLF001


def _joined(segments: Sequence[Segment]) -> str:
    if len(segments) == 1:
        text, replacement = segments[0]
        return text if replacement is None else replacement
    return "".join(text if replacement is None else replacement for text, replacement in segments)


def _located(segments: Sequence[Segment], types: Sequence[SecretType]) -> tuple[Finding, ...]:
    """Where each finding lies; suppressed text belongs to the finding before it."""
    found: list[Finding] = []
    position = 0
    for text, replacement in segments:
        end = position + len(text)
        if replacement:
            found.append(Finding(types[len(found)], position, end))
        elif replacement == "" and found:
            found[-1] = Finding(found[-1].type, found[-1].start, end)
        position = end
    return tuple(found)


def _excepted(exceptions: Sequence["re2._Regexp[str]"], text: str, start: int, end: int) -> bool:
    return any(
        match.start() <= start and end <= match.end() for pattern in exceptions for match in pattern.finditer(text)
    )


def _compiled(pattern: str) -> "re2._Regexp[str]":
    try:
        return re2.compile(pattern)
    except re2.error as error:
        raise ValueError(f"an exception is no RE2 pattern: {error}") from None


def _check_literal(literal: str) -> None:
    usable = literal.isascii() and literal.isprintable() and not set(literal) & set(" \"'`<>")
    if len(literal) < 4 or not usable:
        raise ValueError("a literal to redact has 4 or more printable ASCII characters, without spaces and quotes")
