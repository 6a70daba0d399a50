"""Globs over model names: `*`, `?` and `[...]`, as fnmatch reads them."""

import fnmatch
from typing import Final

GLOB_CHARACTERS: Final = frozenset("*?[")


def is_glob(name: str) -> bool:
    """Whether an allowlist name is a pattern."""
    return not GLOB_CHARACTERS.isdisjoint(name)


def literal_head(pattern: str) -> str:
    """What every name that the pattern admits begins with."""
    return pattern[: next((index for index, char in enumerate(pattern) if char in GLOB_CHARACTERS), len(pattern))]


def may_overlap(pattern: str, name: str) -> bool:
    """Whether a pattern can admit `name`, or, where both are globs, a name that `name` admits too.

    Exact for one glob and a name; for two globs it compares what they begin with, and may say yes too often.
    """
    if fnmatch.fnmatchcase(name, pattern):
        return True
    if not is_glob(name):
        return False
    mine, other = literal_head(pattern), literal_head(name)
    if not is_glob(pattern):
        return fnmatch.fnmatchcase(pattern, name)
    return mine.startswith(other) or other.startswith(mine)
