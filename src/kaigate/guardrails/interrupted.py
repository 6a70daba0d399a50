"""Redaction of a field whose text is interrupted by other parts of the answer.

What came before the interruption must leave before it, although it may be the first half of a secret. Clients read the
runs of text between interruptions one by one or joined, so both are searched.
"""

from collections.abc import Callable, Mapping
from typing import Protocol, Self


class FieldRedactor(Protocol):
    """A stream redactor of text or of JSON text; `counts` maps types to redactions so far."""

    @property
    def counts(self) -> Mapping[str, int]: ...

    @property
    def held(self) -> bool: ...

    def feed(self, text: str) -> str: ...

    def flush(self) -> str: ...


class ForkableRedactor(FieldRedactor, Protocol):
    """One that can be asked how the text would end here."""

    def fork(self) -> Self: ...


class InterruptedRedactor:
    """Goes on with `joined` after interruptions, and never gives out what `pause` did already.

    Of a secret that spans an interruption, all that comes after it is redacted. With `new_run`, what `joined` passes
    on is searched once more as a text of its own, which begins anew behind every interruption; without, as with the
    arguments of a tool call, the runs are parts of one text only.
    """

    __slots__ = ("_ahead", "_counts", "_joined", "_new_run", "_run")

    def __init__(self, joined: ForkableRedactor, new_run: Callable[[], FieldRedactor] | None) -> None:
        self._joined = joined
        self._new_run = new_run
        self._run: FieldRedactor | None = None
        # What `joined` still holds, or a beginning of it, and has left all the same.
        self._ahead = ""
        self._counts: dict[str, int] = {}

    @property
    def counts(self) -> Mapping[str, int]:
        """Redactions so far, of the joined text and of its runs."""
        total = dict(self._joined.counts)
        _add(total, self._counts)
        if self._run is not None:
            _add(total, self._run.counts)
        return total

    @property
    def held(self) -> bool:
        """Whether text is held back or being dropped."""
        return self._joined.held or (self._run is not None and self._run.held)

    def feed(self, text: str) -> str:
        """What may be released now."""
        text = self._beyond(self._joined.feed(text))
        return text if self._run is None else self._run.feed(text)

    def pause(self) -> str:
        """What is left of the text up to an interruption, redacted as if it ended here."""
        ending = self._joined.fork()
        rest = ending.flush()
        text = self._beyond(rest)
        if ending.counts == self._joined.counts:
            self._ahead = rest
        else:
            # The secret ends here. Were it to go on instead, `joined` might take it for something harmless.
            self._joined = ending
            self._ahead = ""
        text = self._end_run(text)
        if self._new_run is not None:
            self._run = self._new_run()
        return text

    def flush(self) -> str:
        """What is left at the end of the text."""
        text = self._beyond(self._joined.flush())
        self._ahead = ""
        return self._end_run(text)

    def _beyond(self, text: str) -> str:
        """What is new of the text that `joined` released."""
        ahead = self._ahead
        if not ahead:
            return text
        if text.startswith(ahead):
            self._ahead = ""
            return text[len(ahead) :]
        if ahead.startswith(text):
            self._ahead = ahead[len(text) :]
            return ""
        # A placeholder in the midst of it: the half of a secret.
        self._ahead = ""
        same = next(at for at, (new, old) in enumerate(zip(text, ahead, strict=False)) if new != old)
        return text[same:]

    def _end_run(self, text: str) -> str:
        run, self._run = self._run, None
        if run is None:
            return text
        text = run.feed(text) + run.flush()
        _add(self._counts, run.counts)
        return text


def _add(total: dict[str, int], counts: Mapping[str, int]) -> None:
    for kind, count in counts.items():
        total[kind] = total.get(kind, 0) + count
