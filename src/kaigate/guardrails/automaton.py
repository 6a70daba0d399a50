"""The one automaton that defines what redaction does, for whole texts and for streams alike.

It cuts a text into words (runs of printable ASCII without white space and quotes) and decides each word when it is
complete, from the word and the raw text before it alone. So the result can't depend on how the text was cut into
chunks, and prose is delayed by one word. Two things outgrow a word: a private key block, which is suppressed to its
end, and a word beyond `CAP`, which is decided in windows at fixed offsets; a candidate still open at the end of a
window is redacted, and suppressed to where its alphabet ends.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import re2

from kaigate.guardrails.findings import PLACEHOLDERS, Finding, SecretType, resolved
from kaigate.guardrails.rules import CONTEXT, Rule, follows_bearer, open_connection_string
from kaigate.guardrails.triggers import Triggered

Segment = tuple[str, str | None]
"""Consumed text and what stands for it: None is the text itself, "" is nothing."""

CAP: Final = 8192
_WINDOW: Final = CAP - 1024

_BEGIN: Final = "-----BEGIN"
_BLOCK_NAME: Final = r"(?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
_HEADER: Final = re2.compile(rf"-----BEGIN {_BLOCK_NAME}")
_FOOTER: Final = re2.compile(rf"-----END {_BLOCK_NAME}")
_MAYBE_HEADER: Final = re2.compile(r"-----BEGIN(?: (?:[A-Z0-9]{1,16} ){0,6}(?:[A-Z0-9]{0,16}-{0,4})?)?")
_FOOTER_LENGTH: Final = 128

# The shortest word in which any trigger fits (`ab://:b@c`), and the separator that ends it.
_SHORTEST: Final = 10

_QUOTES: Final = frozenset("\"'`<>")
_WORD_CHARACTERS: Final = "".join(char for char in map(chr, range(0x21, 0x7F)) if char not in _QUOTES)
_words: Final = re2.compile(r"[!#-&(-;=?-_a-~]+")

_HEX_DIGITS: Final = "0123456789abcdefABCDEF"


@dataclass(frozen=True, slots=True)
class Grammar:
    """What an automaton looks for. `excepted` tells known false positives: a text, and a finding's span in it."""

    rules: Sequence[Rule]
    triggered: Triggered
    excepted: Callable[[str, int, int], bool] | None = None
    disabled: frozenset[str] = frozenset()
    shortest: int = _SHORTEST


class Automaton:
    """The state of one text. The segments of `push` and `finish` together consume exactly what was pushed."""

    __slots__ = ("_before", "_found", "_grammar", "_held", "_mode", "_stop")

    def __init__(self, grammar: Grammar, found: Callable[[SecretType], None]) -> None:
        """`found` hears the type of each finding, in the order of the placeholders."""
        self._grammar = grammar
        self._found = found
        self._held = ""
        self._before = ""
        self._mode: Literal["text", "block", "open"] = "text"
        self._stop = ""

    @property
    def held(self) -> bool:
        """Whether text is held back or being suppressed."""
        return bool(self._held) or self._mode != "text"

    @property
    def held_text(self) -> str:
        """The text that is held back, as it was pushed."""
        return self._held

    def push(self, text: str) -> list[Segment]:
        """Segments that are final now."""
        out: list[Segment] = []
        while text:
            if self._mode == "text":
                text = self._in_text(text, out)
            elif self._mode == "block":
                text = self._in_block(text, out)
            else:
                text = self._in_open(text, out)
        return out

    def finish(self) -> list[Segment]:
        """The rest, at the end of the text; the automaton is as new afterwards."""
        out: list[Segment] = []
        held, self._held = self._held, ""
        if self._mode == "text":
            self._release(held, out)
        elif held:
            out.append((held, ""))
        self._mode = "text"
        self._before = ""
        return out

    def _in_text(self, text: str, out: list[Segment]) -> str:
        """Decide the words that `text` completes; returns what follows a key block's header or an open candidate."""
        buffer = self._held + text if self._held else text
        start = 0
        at = buffer.find(_BEGIN) if "private_key" not in self._grammar.disabled else -1
        while at >= 0:
            # A header begins a word of its own, so that it is found however the text around it looks.
            self._release(buffer[start:at], out)
            start = at
            header = _HEADER.match(buffer[at : at + 256])
            if header is not None:
                self._held = ""
                return self._enter_block(buffer, at + header.end(), at, out)
            if _MAYBE_HEADER.fullmatch(buffer[at : at + 256]) is not None:
                self._held = buffer[at:]
                return ""
            at = buffer.find(_BEGIN, at + 1)
        # A held word was searched for its end before.
        fresh = buffer[start:] if start or self._held.startswith(_BEGIN) else text
        complete = len(fresh.rstrip(_WORD_CHARACTERS))
        end = len(buffer) - len(fresh) + complete if complete else start
        self._release(buffer[start:end], out)
        return self._hold(buffer[end:], out)

    def _hold(self, word: str, out: list[Segment]) -> str:
        """Keep an incomplete word; one beyond the cap is decided in windows."""
        # The last nine characters may still become a header, which would end the word before them.
        while len(word) > CAP + len(_BEGIN) - 1:
            word = word[self._window(word[:CAP], out) :]
            if self._mode == "open":
                self._held = ""
                return word
        self._held = word
        return ""

    def _enter_block(self, buffer: str, end: int, begin: int, out: list[Segment]) -> str:
        self._mode = "block"
        self._found("private_key")
        out.append((buffer[begin:end], PLACEHOLDERS["private_key"]))
        self._before = ""
        return buffer[end:]

    def _in_block(self, text: str, out: list[Segment]) -> str:
        """Suppress to the footer; the held tail is what may be its beginning."""
        buffer = self._held + text
        footer = _FOOTER.search(buffer)
        if footer is None:
            cut = max(0, len(buffer) - _FOOTER_LENGTH)
            if cut:
                out.append((buffer[:cut], ""))
            self._held = buffer[cut:]
            return ""
        out.append((buffer[: footer.end()], ""))
        self._held = ""
        self._mode = "text"
        return buffer[footer.end() :]

    def _in_open(self, text: str, out: list[Segment]) -> str:
        """Suppress the rest of a candidate that outgrew its window."""
        end = len(text) - len(text.lstrip(self._stop))
        if end:
            out.append((text[:end], ""))
            self._remember(text[:end])
        if end < len(text):
            self._mode = "text"
        return text[end:]

    def _release(self, region: str, out: list[Segment]) -> None:
        """Decide complete words; what lies between them is passed on."""
        if not region:
            return
        grammar = self._grammar
        if len(region) >= grammar.shortest and (follows_bearer(self._before) or grammar.triggered(region)):
            self._release_words(region, out)
        else:
            out.append((region, None))
            self._remember(region)

    def _release_words(self, region: str, out: list[Segment]) -> None:
        done = 0
        for match in _words.finditer(region):
            start, end = match.span()
            if end - start < self._grammar.shortest - 1:
                continue
            if start > done:
                out.append((region[done:start], None))
                self._remember(region[done:start])
            self._word(region[start:end], out)
            done = end
        if done < len(region):
            out.append((region[done:], None))
            self._remember(region[done:])

    def _word(self, word: str, out: list[Segment]) -> None:
        """Decide one complete word."""
        while len(word) > CAP:
            word = word[self._window(word[:CAP], out) :]
            if self._mode == "open":
                word = self._in_open(word, out)
                self._mode = "text"
        self._replace(word, self._findings(word), out)

    def _window(self, window: str, out: list[Segment]) -> int:
        """Decide the beginning of a longer word; returns how much of it was consumed."""
        cut = _WINDOW
        kept: list[Finding] = []
        findings = self._findings(window)
        unfinished = open_connection_string(window)
        if unfinished is not None and unfinished.type not in self._grammar.disabled:
            findings = resolved([*findings, unfinished])
        for finding in findings:
            if finding.start >= cut:
                break
            kept.append(finding)
            if finding.end == len(window):
                self._mode = "open"
                self._stop = _HEX_DIGITS if finding.type == "hex_token" else _WORD_CHARACTERS
            cut = max(cut, finding.end)
        self._replace(window[:cut], kept, out)
        return cut

    def _findings(self, word: str) -> list[Finding]:
        grammar, before = self._grammar, self._before
        if not word or not (follows_bearer(before) or grammar.triggered(word)):
            return []
        findings = [
            found for rule in grammar.rules for found in rule(word, before) if found.type not in grammar.disabled
        ]
        if grammar.excepted is not None and findings:
            text, offset = before + word, len(before)
            findings = [f for f in findings if not grammar.excepted(text, offset + f.start, offset + f.end)]
        return resolved(findings)

    def _replace(self, word: str, findings: Sequence[Finding], out: list[Segment]) -> None:
        done = 0
        for finding in findings:
            if finding.start > done:
                out.append((word[done : finding.start], None))
            self._found(finding.type)
            out.append((word[finding.start : finding.end], PLACEHOLDERS[finding.type]))
            done = finding.end
        if done < len(word):
            out.append((word[done:], None))
        self._remember(word)

    def _remember(self, text: str) -> None:
        self._before = text[-CONTEXT:] if len(text) >= CONTEXT else (self._before + text)[-CONTEXT:]
