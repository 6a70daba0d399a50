"""The one automaton that defines what redaction does, for whole texts and for streams alike.

Candidates of a text depend on the text alone, not on how it was cut (`rules`). The automaton releases what lies before
everything that is undecided: the last word, a prefix of something longer than a word, a candidate that goes on. Of
candidates that overlap, the first to begin names the finding, and all of them are redacted.
"""

from collections.abc import Sequence
from enum import Enum, auto
from typing import Final

from kaigate.guardrails import private_keys
from kaigate.guardrails.characters import TOKEN, run_end
from kaigate.guardrails.detector import Detector
from kaigate.guardrails.findings import PRIVATE_KEY
from kaigate.guardrails.rules import CAP, REACH, Candidate

Step = tuple[int, int, str | None]
"""Pass `[0]` characters on, then drop `[1]`, and put the placeholder of type `[2]` there, if any."""

CONTEXT: Final = 128
"""Released characters that rules may look back at."""

_LONG: Final = 1024
# What is swallowed of a run can begin something that goes on behind it: a connection string at most this long before.
_CARRY: Final = CAP + 64
# `----`, behind which the rest of a marker may follow.
_SHORTEST_PREFIX: Final = 4
_URL_ENDS: Final = frozenset(" \t\r\n\"'`<>")


class _Mode(Enum):
    TEXT = auto()
    BLOCK = auto()  # within a private key
    BLOCK_END = auto()  # the last dash of its end may follow
    RUN = auto()  # within a candidate that outgrew the cap


class Automaton:
    """The state of one text; it holds back a few thousand characters at most.

    `held` is text that was not passed on yet; its first `swallowed` characters were dropped already.
    """

    __slots__ = ("_before", "_detector", "_limit", "_mode", "_plain", "_tail", "held", "swallowed")

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._reset()

    def _reset(self) -> None:
        self.held = ""
        self.swallowed = 0
        self._before = ""
        self._tail = ""
        self._mode = _Mode.TEXT
        self._limit = _LONG
        self._plain = not self._detector.phrases

    @property
    def busy(self) -> bool:
        """Whether anything is held back or being dropped."""
        return bool(self.held) or self._mode is not _Mode.TEXT

    def quick(self, text: str) -> str | None:
        """What may be released now if that is beyond doubt, as with prose; None: use `advance`."""
        if not self._plain:
            return None
        size = len(text.rstrip(TOKEN))
        if not size:
            if len(self.held) + len(text) > _LONG:
                return None
            self.held += text
            return ""
        ready = self.held + text[:size]
        if len(ready) > _SHORTEST_PREFIX and not self._harmless(ready):
            return None
        if len(text) - size > _LONG:
            return None
        self.held = text[size:]
        self._before = (self._before + ready)[-CONTEXT:]
        return ready

    def _harmless(self, ready: str) -> bool:
        """Whether nothing in this begins or holds a secret: a prefix of one at its end, or a pattern in it."""
        if "----" in ready or "bearer" in ready[-15:].lower():
            return False
        if "://" in ready:
            if ready[-1] not in _URL_ENDS:
                return False
        elif len(ready) < self._detector.shortest:
            return True
        return not self._detector.hits(ready.encode("ascii", "replace"))

    def advance(self, text: str) -> list[Step]:
        """The steps that are decided now."""
        steps: list[Step] = []
        while text:
            if self._mode is _Mode.TEXT:
                text = self._text(text, steps)
            elif self._mode is _Mode.RUN:
                text = self._run(text, steps)
            else:
                text = self._block(text, steps)
        return steps

    def finish(self) -> list[Step]:
        """The steps at the end of the text; the automaton is as new afterwards."""
        steps: list[Step] = []
        while self._mode is _Mode.TEXT and self.held:
            buffer, self.held = self.held, ""
            steps += self.advance(self._settle(buffer, len(buffer), steps, final=True))
        self._reset()
        return steps

    def _text(self, text: str, steps: list[Step]) -> str:
        buffer = self.held + text
        size = len(text.rstrip(TOKEN))
        if not size and len(buffer) <= self._limit:
            self.held = buffer
            return ""
        word = len(self.held) + size if size else len(buffer.rstrip(TOKEN))
        return self._settle(buffer, word, steps, final=False)

    def _settle(self, buffer: str, cut: int, steps: list[Step], *, final: bool) -> str:
        """Decide `buffer` up to `cut` at most; returns what follows the beginning of a private key."""
        if len(buffer) - cut > _LONG:
            cut = len(buffer) - REACH
        data = buffer.encode("ascii", "replace")
        hits = self._detector.hits(data)
        block = self._detector.block_begin(data, hits)
        if block is not None:
            self._release(buffer[: block[0]], block[0], hits, steps, final=True)
            self._enter_block(block, steps)
            return buffer[block[1] :]
        if not final:
            cut = self._detector.pending(buffer, data, cut)
        self._release(buffer, cut, hits, steps, final=final)
        return ""

    def _release(self, buffer: str, cut: int, hits: Sequence[int], steps: list[Step], *, final: bool) -> None:
        before = len(self._before)
        text = self._before + buffer
        found: list[Candidate] = []
        if hits or "://" in buffer:
            found = self._detector.candidates(text, text.encode("ascii", "replace"), before, hits, final=final)
        end = before + cut
        if any(each.open and each.type and each.end - each.start > CAP for each in found):
            end = len(text)
            self._mode = _Mode.RUN
            self._tail = text[-_CARRY:]
        else:
            for each in sorted(found, reverse=True):
                if each.anchor < end and (each.open or each.end > end):
                    end = each.anchor
        at = self._redact(found, before + self.swallowed, end, steps)
        if end > at:
            steps.append((end - at, 0, None))
        self.held = text[end:]
        self.swallowed = max(0, self.swallowed - (end - before))
        self._before = text[max(0, end - CONTEXT) : end]
        self._limit = _LONG if len(self.held) < _LONG else CAP + CONTEXT
        self._plain = self._is_plain()

    def _redact(self, found: Sequence[Candidate], at: int, end: int, steps: list[Step]) -> int:
        for each in found:
            if each.end <= at or each.start >= end or not each.type:
                continue
            if each.start < at:
                steps.append((0, each.end - at, None))
            else:
                steps.append((each.start - at, each.end - each.start, each.type))
            at = each.end
        return at

    def _enter_block(self, block: tuple[int, int], steps: list[Step]) -> None:
        start, end = block
        dropped = max(0, self.swallowed)
        self.held = self._before = self._tail = ""
        self.swallowed = 0
        self._mode = _Mode.BLOCK
        self._plain = False
        steps.append((0, end - start - dropped, PRIVATE_KEY))

    def _block(self, text: str, steps: list[Step]) -> str:
        if self._mode is _Mode.BLOCK_END:
            self._mode = _Mode.TEXT
            self._plain = self._is_plain()
            if text[0] == "-":
                steps.append((0, 1, None))
                return text[1:]
            return text
        buffer = self._tail + text
        marker = private_keys.END.search(buffer.encode("ascii", "replace"))
        if marker is None:
            self._tail = buffer[-private_keys.MAX_MARKER :]
            steps.append((0, len(text), None))
            return ""
        size = marker.end() - len(self._tail)
        self._tail = ""
        self._mode = _Mode.BLOCK_END
        steps.append((0, size, None))
        return text[size:]

    def _run(self, text: str, steps: list[Step]) -> str:
        size = run_end(text, 0, TOKEN)
        self._tail = (self._tail + text[:size])[-_CARRY:]
        if size:
            steps.append((0, size, None))
        if size < len(text):
            self._mode = _Mode.TEXT
            self.held, self._tail = self._tail, ""
            self.swallowed = len(self.held)
            self._before = ""
        return text[size:]

    def _is_plain(self) -> bool:
        return self._mode is _Mode.TEXT and not self.swallowed and self._limit == _LONG and not self._detector.phrases
