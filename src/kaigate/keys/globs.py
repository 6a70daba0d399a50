"""Whether everything that one glob admits is admitted by another: what a grant may not exceed."""

import fnmatch
from collections.abc import Iterator, Sequence


def covers(bound: Sequence[str] | None, wanted: Sequence[str] | None) -> bool:
    """Whether patterns `wanted` admit nothing that `bound` doesn't; None admits everything.

    Never says yes wrongly. It may say no where only several patterns of `bound` together would do, or where character
    classes overlap in a way that takes more than comparing them.
    """
    if bound is None:
        return True
    if wanted is None:
        return any(_only_stars(pattern) for pattern in bound)
    return all(any(pattern_covers(outer, inner) for outer in bound) for inner in wanted)


def pattern_covers(outer: str, inner: str) -> bool:
    """Whether every text that glob `inner` matches is matched by glob `outer`, both as fnmatch reads them."""
    outer_steps, inner_steps = tuple(_steps(outer)), tuple(_steps(inner))
    # The positions in `outer` that are reachable after what was read of `inner`, as in an automaton.
    reached = _past_stars({0}, outer_steps)
    for step in inner_steps:
        if step == "*":
            # Any text may stand here, so only a star of `outer` can take it.
            reached = {at for at in reached if at < len(outer_steps) and outer_steps[at] == "*"}
        else:
            reached = {
                at if outer_steps[at] == "*" else at + 1
                for at in reached
                if at < len(outer_steps) and _takes(outer_steps[at], step)
            }
        reached = _past_stars(reached, outer_steps)
    return len(outer_steps) in reached


def _takes(outer: str, inner: str) -> bool:
    """Whether one step of `outer` matches every character that a step of `inner` stands for."""
    if outer in {"*", "?"}:
        return True
    is_class = len(outer) > 1
    if is_class and len(inner) == 1 and inner != "?":
        return fnmatch.fnmatchcase(inner, outer)
    return outer == inner


def _past_stars(reached: set[int], steps: Sequence[str]) -> set[int]:
    beyond = set(reached)
    for at in reached:
        position = at
        while position < len(steps) and steps[position] == "*":
            position += 1
            beyond.add(position)
    return beyond


def _only_stars(pattern: str) -> bool:
    return bool(pattern) and not pattern.strip("*")


def _steps(pattern: str) -> Iterator[str]:
    """The pattern's wildcards, classes with their brackets, and literal characters."""
    position = 0
    while position < len(pattern):
        end = _class_end(pattern, position) if pattern[position] == "[" else position
        yield pattern[position : end + 1]
        position = end + 1


def _class_end(pattern: str, start: int) -> int:
    """Where a class ends by fnmatch's rules; `start` itself where the bracket is a literal one."""
    position = start + 1
    if pattern[position : position + 1] == "!":
        position += 1
    if pattern[position : position + 1] == "]":
        position += 1
    end = pattern.find("]", position)
    return start if end < 0 else end
