"""What a rule is, and how its candidates are found in a text.

A rule decides by a bounded piece of text around the beginning of a candidate, never by where a search happened to
start. So the candidates of a text don't depend on how it was cut, and a stream can release what is decided.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import re2

from kaigate.guardrails.characters import TOKEN, left_bounded, run_end, run_start_after_escape

CAP: Final = 4096
"""Characters of a candidate that are held back; a longer one is redacted to the end of its run of token characters."""

REACH: Final = 640
"""No rule needs more characters than this, from where a candidate begins, to decide whether it is one."""


class Candidate(NamedTuple):
    """What may be a secret: redact `start` to `end`; the rule began to match at `anchor`.

    `type` is "" while that can't be said. `open`: more text may change the end or the decision.
    """

    anchor: int
    start: int
    end: int
    type: str
    open: bool


_HEAD: Final = 64
"""In this many characters a head leaves the characters with which the secret goes on, or never does."""


Verdict = tuple[str, int] | None
"""The type and the end of a secret, or None."""

Judge = Callable[[str, int, int], Verdict]
"""Decides on the candidate `text[start:end]`, cut at `CAP` characters."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A secret that is one run of characters, perhaps behind a prefix.

    `head` is what must be there (the secret begins at group 1, if there is one), matched by RE2 and by the trigger
    scan; `grows` are the characters with which it may go on. `whole_run`: only a run of `grows` as a whole can be
    one. `accepts` looks at the head, `judge` at all of it, up to `CAP`.
    """

    types: tuple[str, ...]
    head: str
    judge: Judge
    grows: str = ""
    whole_run: bool = False
    accepts: Callable[[str, int, int], bool] | None = None


class CompiledRule:
    """A rule with its compiled head; secrets of `disabled` types are none."""

    __slots__ = ("_disabled", "_group", "_rule", "_search")

    def __init__(self, rule: Rule, disabled: frozenset[str]) -> None:
        self._rule = rule
        self._disabled = disabled
        pattern: Any = re2.compile(rule.head)
        self._search = pattern.search
        self._group = 1 if pattern.groups else 0

    def candidates(self, text: str, data: bytes, begin: int, final: bool) -> Iterator[Candidate]:
        """Candidates that begin at or after `begin`; `data` is `text` as ASCII, one byte a character."""
        rule = self._rule
        at = begin
        while (match := self._search(data, at)) is not None:
            anchor, head_end = match.span()
            at = anchor + 1
            if rule.whole_run:
                at = run_end(text, head_end, rule.grows)
                if anchor and text[anchor - 1] in rule.grows:
                    continue
                candidate = self._judged(text, anchor, run_start_after_escape(text, anchor), at, final=final)
            elif left_bounded(text, anchor):
                start = match.start(self._group)
                if rule.accepts is not None and not rule.accepts(text, start, head_end):
                    continue
                candidate = self._judged(text, anchor, start, head_end, final=final)
            else:
                continue
            if candidate is not None:
                # One that begins within this one goes no further, unless its head ends in other characters.
                at = max(at, candidate.end - _HEAD)
                yield candidate

    def _judged(self, text: str, anchor: int, start: int, head_end: int, *, final: bool) -> Candidate | None:
        """The candidate with this head, or None. Its cost is bounded where it is None."""
        rule = self._rule
        limit = start + CAP
        natural = run_end(text, head_end, rule.grows, limit + 1) if rule.grows else head_end
        at_end = natural >= len(text) and not final
        if at_end and natural <= limit and rule.accepts is not None:
            return Candidate(anchor, start, natural, "", open=True)
        verdict = rule.judge(text, start, min(natural, limit))
        if verdict is None or verdict[0] in self._disabled:
            return None
        kind, end = verdict
        if natural > limit:
            end = run_end(text, natural, TOKEN)
            at_end = end == len(text) and not final
        elif at_end:
            end = natural
        return Candidate(anchor, start, end, kind, open=at_end)
