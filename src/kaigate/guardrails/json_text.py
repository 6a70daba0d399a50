"""Redaction of JSON text that arrives in pieces: the arguments of tool calls.

The automaton reads the text with its escape sequences decoded. What it passes on leaves as it was written, so harmless
JSON comes out byte for byte. Text that is no JSON is searched all the same.
"""

from copy import copy
from typing import Self

from kaigate.guardrails.automaton import Automaton, Step
from kaigate.guardrails.findings import PLACEHOLDERS
from kaigate.guardrails.json_escapes import Escape, decode
from kaigate.guardrails.json_skeleton import Skeleton
from kaigate.guardrails.redaction import Redactor


class JsonStreamRedactor:
    """Like `StreamRedactor`, for JSON text cut anywhere, also within an escape sequence; keys are searched too."""

    __slots__ = ("_automaton", "_escapes", "_partial", "_raw", "_skeleton", "counts")

    def __init__(self, redactor: Redactor) -> None:
        self.counts: dict[str, int] = {}
        self._automaton = None if redactor.detector is None else Automaton(redactor.detector)
        self._skeleton = Skeleton()
        # How the text that the automaton holds was written, if differently: `_escapes` count from its beginning.
        self._raw = ""
        self._escapes: list[Escape] = []
        self._partial = ""

    @property
    def held(self) -> bool:
        """Whether text is held back or being dropped."""
        return bool(self._partial) or (self._automaton is not None and self._automaton.busy)

    def feed(self, text: str) -> str:
        """What may be released now."""
        automaton = self._automaton
        if automaton is None:
            return text
        if self._partial or "\\" in text or self._escapes:
            return self._decoded(automaton, text, final=False)
        ready = automaton.quick(text)
        if ready is not None:
            if '"' in ready:
                self._skeleton.passed(ready)
            return ready
        pending = automaton.held[automaton.swallowed :] + text
        return self._applied(pending, automaton.advance(text))

    def flush(self) -> str:
        """What is left at the end of the text."""
        automaton = self._automaton
        if automaton is None:
            return ""
        rest = self._decoded(automaton, "", final=True)
        pending = self._raw if self._escapes else automaton.held[automaton.swallowed :]
        return rest + self._applied(pending, automaton.finish())

    def fork(self) -> Self:
        """One in the same state, to see how the text would end here while this one goes on."""
        fork = copy(self)
        fork.counts = self.counts.copy()
        fork._automaton = copy(self._automaton)  # noqa: SLF001 -- another of this class
        fork._skeleton = copy(self._skeleton)  # noqa: SLF001
        fork._escapes = self._escapes.copy()  # noqa: SLF001
        return fork

    def _decoded(self, automaton: Automaton, text: str, *, final: bool) -> str:
        pending = self._raw if self._escapes else automaton.held[automaton.swallowed :]
        text = self._partial + text
        offset = len(automaton.held) - automaton.swallowed
        decoded, escapes, size = decode(text, offset, final=final)
        self._partial = text[size:]
        self._escapes += escapes
        return self._applied(pending + text[:size], automaton.advance(decoded))

    def _applied(self, pending: str, steps: list[Step]) -> str:
        skeleton = self._skeleton
        out: list[str] = []
        escapes = iter(self._escapes)
        escape = next(escapes, None)
        read = at = 0
        for keep, drop, kind in steps:
            for count, passed in ((keep, True), (drop, False)):
                read += count
                start, at = at, at + count
                while escape is not None and escape.at < read:
                    at += escape.length - 1
                    escape = next(escapes, None)
                if passed:
                    out.append(skeleton.passed(pending[start:at]) + pending[start:at] if count else "")
                    if kind is not None:
                        out.append(PLACEHOLDERS[kind])
                        self.counts[kind] = self.counts.get(kind, 0) + 1
                        skeleton.begin()
                elif count:
                    out.append(skeleton.dropped(pending[start:at]))
        self._escapes = [Escape(each.at - read, each.length) for each in self._escapes if each.at >= read]
        self._raw = pending[at:]
        return "".join(out)
