"""What is wrong with a configuration, and where: `file:line:col: path.to.key: what (did you mean "x"?)`."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

Step = str | int
KeyPath = tuple[Step, ...]

_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]+")
_LOOKS_SECRET: Final = re.compile(r"(?i)\A(?:kg|sk|pk|ghp|hf|xox.)[-_].{8,}|.{80,}\Z")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake; `line` and `column` count from 1, 0 where there is no file position."""

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class ConfigError(Exception):
    """A configuration that is refused, with every problem that was found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def render(path: KeyPath) -> str:
    """`models["gpt-3.5"].aliases[0]`; a step that looks like a credential is not shown."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN.fullmatch(step) and not _LOOKS_SECRET.match(step):
            text += f".{step}" if text else step
        else:
            text += f'["{shown(step)}"]'
    return text


def shown(name: str) -> str:
    """A name as messages show it: hidden where it looks like a credential, without control characters."""
    if _LOOKS_SECRET.match(name):
        return "..."
    return "".join(char if char.isprintable() else "?" for char in name)


def nearest(wrong: str, valid: Iterable[str]) -> str | None:
    """The valid name that `wrong` was probably meant to be."""
    folded = {name.casefold(): name for name in valid}
    near = difflib.get_close_matches(wrong.casefold(), folded, n=1, cutoff=0.6)
    return folded[near[0]] if near else None


def suggestion(wrong: str, valid: Iterable[str]) -> str:
    """` (did you mean "nearest"?)`, or the valid names where none is near."""
    names = list(valid)
    near = nearest(wrong, names)
    if near is not None:
        return f' (did you mean "{shown(near)}"?)'
    if not names:
        return ""
    listed = ", ".join(shown(name) for name in names[:20])
    return f" (valid: {listed}{', ...' if len(names) > 20 else ''})"
