"""What became of each line of a LiteLLM configuration."""

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from kaigate.config.document import Document
from kaigate.config.problems import KeyPath, render

Outcome = Literal["carried", "changed", "not carried"]
MAX_NOTES: Final = 20_000


class Note(msgspec.Struct, frozen=True, order=True):
    """One line of the report: `line` counts from 1, 0 where none is meant; no value of the input is in it."""

    line: int
    path: str
    outcome: Outcome
    message: str

    def __str__(self) -> str:
        place = f"line {self.line}: {self.path}" if self.line else self.path
        return f"{place}: {self.outcome}: {self.message}" if place else f"{self.outcome}: {self.message}"


class Notes:
    """Collects what was done with each key; in the end whatever nobody looked at is told too."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._notes: list[Note] = [
            Note(problem.line, problem.path, "not carried", problem.message) for problem in document.problems
        ]
        self._seen: set[KeyPath] = set()

    def carried(self, path: KeyPath, message: str) -> None:
        """It means the same here; `message` says where it went."""
        self._note(path, "carried", message)

    def changed(self, path: KeyPath, message: str) -> None:
        """It is there, and means something else or is written in another way."""
        self._note(path, "changed", message)

    def dropped(self, path: KeyPath, message: str) -> None:
        """It is not there."""
        self._note(path, "not carried", message)

    def general(self, message: str) -> None:
        """What no line of the input says."""
        self._notes.append(Note(0, "", "changed", message))

    def finish(self) -> tuple[Note, ...]:
        """Every note, by line; a key without one, above or below it, is not carried."""
        told = {path[:length] for path in self._seen for length in range(len(path) + 1)}
        for path in self._document.keys:
            if path not in told and not any(path[:length] in self._seen for length in range(len(path))):
                self.dropped(path, "has no counterpart that is known here")
        return tuple(sorted(set(self._notes))[:MAX_NOTES])

    def _note(self, path: KeyPath, outcome: Outcome, message: str) -> None:
        self._seen.add(path)
        self._notes.append(Note(self._document.at(path, key=True).line, render(path), outcome, message))


class Section:
    """A mapping of the input, which answers for each key in one type and notes what has another."""

    def __init__(self, data: object, path: KeyPath, notes: Notes) -> None:
        self.path = path
        self.notes = notes
        self._data: Mapping[str, Any] = data if isinstance(data, dict) else {}
        if data is not None and not isinstance(data, dict):
            notes.dropped(path, "is no mapping")

    def __contains__(self, name: str) -> bool:
        return self._data.get(name) is not None

    def __iter__(self) -> Any:
        return iter(self._data)

    def at(self, name: str) -> KeyPath:
        """The path of one of its keys."""
        return (*self.path, name)

    def raw(self, name: str) -> Any:
        """The value as it is."""
        return self._data.get(name)

    def text(self, name: str) -> str | None:
        """A text, or None; a number is one too, as LiteLLM reads it."""
        value = self._data.get(name)
        if value is None or isinstance(value, str):
            return value.strip() or None if value else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        self.notes.dropped(self.at(name), "is no text")
        return None

    def number(self, name: str) -> float | None:
        """A number, also where it is written as text."""
        value = self._data.get(name)
        if value is None:
            return None
        found = as_number(value)
        if found is None:
            self.notes.dropped(self.at(name), "is no number")
        return found

    def flag(self, name: str) -> bool | None:
        """True or false in any spelling of YAML 1.1."""
        value = self._data.get(name)
        if value is None or isinstance(value, bool):
            return value
        word = str(value).strip().lower()
        if word in {"true", "yes", "on", "1"}:
            return True
        if word in {"false", "no", "off", "0"}:
            return False
        self.notes.dropped(self.at(name), "is neither true nor false")
        return None


def as_number(value: object) -> float | None:
    """A finite number of at most 15 digits, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if abs(found) < 1e15 else None  # False for what is not a number
