"""Redaction of secrets in whole texts; `stream` gives the same for texts that arrive in pieces."""

from pathlib import Path
from typing import Self

import msgspec

from kaigate.guardrails.automaton import Automaton, Step
from kaigate.guardrails.detector import Detector
from kaigate.guardrails.findings import PLACEHOLDERS, Finding
from kaigate.guardrails.settings import RedactionSettings
from kaigate.guardrails.stream import StreamRedactor

__all__ = ["Finding", "Redaction", "RedactionSettings", "Redactor", "StreamRedactor"]


class Redaction(msgspec.Struct, frozen=True):
    """A text without secrets, and what was found in the original."""

    text: str
    findings: tuple[Finding, ...] = ()


class Redactor:
    """Compiled rules; immutable, shared by all requests and threads."""

    __slots__ = ("detector",)

    def __init__(self, detector: Detector | None) -> None:
        """Without a detector nothing is redacted."""
        self.detector = detector

    @classmethod
    def build(cls, settings: RedactionSettings, *, cache_dir: Path | None = None, use_hyperscan: bool = True) -> Self:
        """Compile, or load what was compiled before from `cache_dir`. Blocking. RE2 finds the same as Hyperscan.

        Raises ValueError for an exception pattern that is not RE2's, a literal too short or long, an unknown type.
        """
        detector = Detector(settings, cache_dir=cache_dir, use_hyperscan=use_hyperscan)
        return cls(detector if settings.enabled else None)

    def redact(self, text: str) -> Redaction:
        """Redact a whole text; the same string comes back if there is nothing to redact."""
        detector = self.detector
        if detector is None or not detector.hits(text.encode("ascii", "replace")):
            return Redaction(text)
        automaton = Automaton(detector)
        steps = automaton.advance(text) + automaton.finish()
        redacted, findings = _applied(text, steps)
        return Redaction(redacted, findings) if findings else Redaction(text)

    def stream(self) -> StreamRedactor:
        """A redactor for one field of a stream."""
        return StreamRedactor(self.detector)


def _applied(text: str, steps: list[Step]) -> tuple[str, tuple[Finding, ...]]:
    out: list[str] = []
    findings: list[Finding] = []
    at = 0
    for keep, drop, kind in steps:
        start = at + keep
        out.append(text[at:start])
        at = start + drop
        if kind is not None:
            out.append(PLACEHOLDERS[kind])
            findings.append(Finding(kind, start, at))
        elif drop:
            findings[-1] = Finding(findings[-1].type, findings[-1].start, at)
    return "".join(out), tuple(findings)
