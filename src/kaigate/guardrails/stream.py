"""Redaction of a text that arrives in pieces."""

from copy import copy
from typing import Self

from kaigate.guardrails.automaton import Automaton, Step
from kaigate.guardrails.detector import Detector
from kaigate.guardrails.findings import PLACEHOLDERS


class StreamRedactor:
    """Redacts one field of a stream. `counts` maps types to their redactions so far.

    What was returned up to any moment is a prefix of the redacted whole text. Without a detector all text is passed on.
    """

    __slots__ = ("_automaton", "counts")

    def __init__(self, detector: Detector | None) -> None:
        self.counts: dict[str, int] = {}
        self._automaton = None if detector is None else Automaton(detector)

    @property
    def held(self) -> bool:
        """Whether text is held back or being dropped."""
        return self._automaton is not None and self._automaton.busy

    def feed(self, text: str) -> str:
        """What may be released now: all but what could still become part of a secret."""
        automaton = self._automaton
        if automaton is None:
            return text
        ready = automaton.quick(text)
        if ready is not None:
            return ready
        pending = automaton.held[automaton.swallowed :] + text
        return self._applied(pending, automaton.advance(text))

    def flush(self) -> str:
        """What is left at the end of the text."""
        automaton = self._automaton
        if automaton is None:
            return ""
        pending = automaton.held[automaton.swallowed :]
        return self._applied(pending, automaton.finish())

    def fork(self) -> Self:
        """One in the same state, to see how the text would end here while this one goes on."""
        fork = copy(self)
        fork.counts = self.counts.copy()
        fork._automaton = copy(self._automaton)  # noqa: SLF001 -- another of this class
        return fork

    def _applied(self, pending: str, steps: list[Step]) -> str:
        out: list[str] = []
        at = 0
        for keep, drop, kind in steps:
            out.append(pending[at : at + keep])
            at += keep + drop
            if kind is not None:
                out.append(PLACEHOLDERS[kind])
                self.counts[kind] = self.counts.get(kind, 0) + 1
        return "".join(out)
