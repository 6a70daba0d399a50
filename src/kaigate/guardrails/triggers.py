"""One scan that says whether a text may hold a secret at all.

A trigger is a necessary condition of a rule, local to what the rule would match, so a text without a hit needs no rule.
Hyperscan answers for all of them in one pass; RE2 does where its wheel is missing.
"""

import hashlib
import importlib.metadata
import os
import platform
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import re2

from kaigate.guardrails import rules
from kaigate.guardrails.token_formats import TOKEN_FORMATS

try:
    import hyperscan

    HAS_HYPERSCAN = True
except ImportError:  # no wheel for this platform
    HAS_HYPERSCAN = False

Triggered = Callable[[str], bool]
"""Whether a text holds a trigger; not to be called by two threads at once."""

_TRIGGERS: Final = (
    rules.AWS_KEY,
    r"eyJ[A-Za-z0-9_-]{10,}\.",
    rules.HEX,
    r"://[!-~]*@",
    r"[Bb][Ee][Aa][Rr][Ee][Rr][ \t]+[A-Za-z0-9._~+/=-]{16}",
    rules.AWS_SECRET,
    r"-----BEGIN",
    *(row.pattern for row in TOKEN_FORMATS),
)


def build(literals: Sequence[str], *, cache_dir: Path | None, use_hyperscan: bool = True) -> Triggered:
    """The scan for all rules and these further texts; the compiled patterns are kept in `cache_dir`."""
    patterns = [*_TRIGGERS, *(re2.escape(literal) for literal in literals)]
    if not (HAS_HYPERSCAN and use_hyperscan):
        return _with_re2(patterns)
    return _with_hyperscan([_bounded(pattern).encode() for pattern in patterns], cache_dir)


def _bounded(pattern: str) -> str:
    """An open-ended repeat says no more than its minimum: ending there keeps the automaton small."""
    return pattern.replace(",}", "}")


def _with_re2(patterns: Sequence[str]) -> Triggered:
    combined = re2.compile("|".join(f"(?:{_bounded(pattern)})" for pattern in patterns))
    return lambda text: combined.search(text) is not None


def _with_hyperscan(patterns: Sequence[bytes], cache_dir: Path | None) -> Triggered:
    scan = _database(patterns, cache_dir).scan

    def triggered(text: str) -> bool:
        try:
            scan(text.encode("utf-8", "surrogatepass"), match_event_handler=_stop)
        except hyperscan.ScanTerminated:
            return True
        return False

    return triggered


def _stop(*_match: object) -> bool:
    return True


def _database(patterns: Sequence[bytes], cache_dir: Path | None) -> "hyperscan.Database":
    """The compiled database, from the cache where it was compiled by this very library from these patterns."""
    version = importlib.metadata.version("hyperscan")
    name = hashlib.sha256(repr((patterns, version, platform.machine(), platform.processor())).encode()).hexdigest()[:32]
    path = cache_dir / f"{name}.hsdb" if cache_dir is not None else None
    if path is not None:
        with suppress(OSError, hyperscan.error):
            return _loaded(path.read_bytes())
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    flags = [hyperscan.HS_FLAG_SINGLEMATCH] * len(patterns)
    database.compile(expressions=patterns, ids=list(range(len(patterns))), flags=flags)
    if path is not None:
        # A read-only file system only costs the next start its compile time.
        with suppress(OSError):
            _store(path, hyperscan.dumpb(database))
    return database


def _loaded(serialized: bytes) -> "hyperscan.Database":
    database = hyperscan.loadb(serialized, hyperscan.HS_MODE_BLOCK)
    database.scratch = hyperscan.Scratch(database)
    return database


def _store(path: Path, serialized: bytes) -> None:
    """Write atomically: another process may read, or write the same, at this moment."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(serialized)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
