"""One pass that tells which of many patterns occur in a text, in linear time.

Hyperscan where its wheel exists, RE2 elsewhere: the answers are the same.
"""

import hashlib
import importlib.metadata
import platform
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import re2

from kaigate.guardrails import pattern_cache

hyperscan: Any
try:
    import hyperscan
except ImportError:  # no wheel for this platform
    hyperscan = None

_NONE: Final[tuple[int, ...]] = ()


class PatternSet(Protocol):
    """Compiled patterns; safe to share between threads."""

    def hits(self, data: bytes) -> Sequence[int]:
        """Indices of the patterns that occur in `data`, each once, in no order."""
        ...


def compile_patterns(
    patterns: Sequence[str], *, cache_dir: Path | None = None, use_hyperscan: bool = True
) -> PatternSet:
    """Compile patterns of ASCII text that Hyperscan and RE2 read alike."""
    if hyperscan is None or not use_hyperscan:
        return _Re2Set(patterns)
    return _HyperscanSet(_database(patterns, cache_dir))


class _Re2Set:
    __slots__ = ("_match",)

    def __init__(self, patterns: Sequence[str]) -> None:
        compiled = re2.Set.SearchSet()
        for pattern in patterns:
            compiled.Add(pattern)
        compiled.Compile()
        self._match = compiled.Match

    def hits(self, data: bytes) -> Sequence[int]:
        found: Sequence[int] = self._match(data)
        return found or _NONE


class _Scratch(threading.local):
    """Hyperscan's working memory: one scan at a time, so one for each thread."""

    def __init__(self, database: Any) -> None:
        self.space = hyperscan.Scratch(database)


class _HyperscanSet:
    __slots__ = ("_scan", "_scratch")

    def __init__(self, database: Any) -> None:
        self._scan = database.scan
        self._scratch = _Scratch(database)

    def hits(self, data: bytes) -> Sequence[int]:
        found: list[int] = []
        self._scan(data, _collect, 0, found, self._scratch.space)
        return found


def _collect(pattern: int, _start: int, _end: int, _flags: int, found: list[int]) -> None:
    found.append(pattern)


def _database(patterns: Sequence[str], cache_dir: Path | None) -> Any:
    """The compiled database; from the cache if the same library compiled these patterns on such a machine."""
    mode = hyperscan.HS_MODE_BLOCK
    build = (importlib.metadata.version("hyperscan"), platform.system(), platform.machine(), mode, *patterns)
    key = hashlib.sha256("\0".join(map(str, build)).encode()).hexdigest()
    if cache_dir is not None and (stored := pattern_cache.load(cache_dir, key)) is not None:
        try:
            database = hyperscan.loadb(stored, mode)
            database.scratch = hyperscan.Scratch(database)
        except hyperscan.error:
            pass  # another processor's: compile it here
        else:
            return database
    database = hyperscan.Database(mode=mode)
    database.compile(
        expressions=[pattern.encode() for pattern in patterns],
        ids=list(range(len(patterns))),
        flags=hyperscan.HS_FLAG_SINGLEMATCH,
    )
    if cache_dir is not None:
        pattern_cache.store(cache_dir, key, hyperscan.dumpb(database))
    return database
