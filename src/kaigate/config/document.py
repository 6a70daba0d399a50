"""YAML into plain data, with the position of every key and value, and every mistake instead of the first.

Built on the parser's events, not on its object construction: nothing is instantiated, nesting and alias expansion
are bounded, and unquoted scalars are read by the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema),
so that `no` and `12:30` are text.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from kaigate.config.problems import ConfigError, KeyPath, Problem, render, shown

MAX_DOCUMENT_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 32
MAX_NODES: Final = 100_000

_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_FLOAT: Final = re.compile(
    r"[-+]?(?:[0-9]{1,30}\.[0-9]{0,30}|\.[0-9]{1,30}|[0-9]{1,30}(?=[eE]))(?:[eE][-+]?[0-9]{1,3})?"
)
_UNUSABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_TEXT_TAG: Final = "tag:yaml.org,2002:str"
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Mark(NamedTuple):
    """A position; line and column count from 1."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data (text, int, float, bool, None, list, dict) with marks by path, and the mistakes found on the way."""

    data: Any
    keys: dict[KeyPath, Mark] = field(default_factory=dict)
    values: dict[KeyPath, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def at(self, path: KeyPath, *, key: bool = False) -> Mark:
        """The position of the value at `path`, or of its key; the nearest enclosing one where there is none."""
        first, second = (self.keys, self.values) if key else (self.values, self.keys)
        for length in range(len(path), -1, -1):
            mark = first.get(path[:length]) or second.get(path[:length])
            if mark is not None:
                return mark
        return Mark("", 0, 0)

    def problem(self, path: KeyPath, message: str, *, key: bool = False) -> Problem:
        """A problem at the position of `path`."""
        return Problem(*self.at(path, key=key), render(path), message)


def read_document(path: Path, name: str) -> Document:
    """Parse a file, named `name` in messages. Blocking. Raises `ConfigError` when no data come out of it."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_DOCUMENT_BYTES + 1)
    except OSError as error:
        raise ConfigError([Problem(name, 0, 0, "", f"cannot be read: {error.strerror}")]) from None
    return parse_document(data, name)


def parse_document(data: bytes, name: str) -> Document:
    """Parse the bytes of a YAML file; raises `ConfigError` where no data come out of it."""
    if len(data) > MAX_DOCUMENT_BYTES:
        raise ConfigError([Problem(name, 0, 0, "", f"is larger than {MAX_DOCUMENT_BYTES} bytes")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError([Problem(name, line, 1, "", "is not UTF-8 text")]) from None
    composer = _Composer(name)
    try:
        root = composer.compose(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        context = f" {error.context}" if error.context else ""
        raise ConfigError([Problem(name, line, column, "", f"is not YAML:{context}: {error.problem}")]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError([Problem(name, line, 1, "", "holds a control character")]) from None
    document = Document(data=None, problems=composer.problems)
    plain = _Flattener(document).plain(root, ())
    return Document(plain, document.keys, document.values, document.problems)


@dataclass(slots=True)
class _Node:
    mark: Mark
    scalar: str | int | float | bool | None = None
    items: "list[_Node] | None" = None
    entries: "list[tuple[_Node, _Node]] | None" = None


class _Composer:
    """Builds nodes from parser events; an alias is the same node again."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._anchors: dict[str, _Node] = {}
        self.problems: list[Problem] = []

    def compose(self, events: Iterator[yaml.Event]) -> _Node:
        """The root node of the only document; an empty file is an empty mapping."""
        root = _Node(Mark(self._name, 1, 1), entries=[])
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._refused(event, "holds more than one document (---)")
            elif isinstance(event, yaml.NodeEvent):
                node = self._node(event, events, 0)
                root = root if node.scalar is None and node.items is None and node.entries is None else node
        return root

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> _Node:
        if depth > MAX_DEPTH:
            raise self._refused(event, f"is nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise self._refused(event, "uses an alias (*name) whose anchor (&name) is not complete before it")
            return self._anchors[event.anchor]
        node = _Node(self._mark(event))
        if isinstance(event, yaml.ScalarEvent):
            node.scalar = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._refuse_tag(event)
            node.items = [self._node(item, events, depth + 1) for item in _until(yaml.SequenceEndEvent, events)]
        else:
            self._refuse_tag(event)
            node.entries = [
                (self._node(key, events, depth + 1), self._node(next(events), events, depth + 1))
                for key in _until(yaml.MappingEndEvent, events)
            ]
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _scalar(self, event: yaml.ScalarEvent) -> str | int | float | bool | None:
        text: str = event.value
        if _UNUSABLE.search(text):
            self._report(event, "holds a control character")
            return ""
        if event.tag is not None and event.tag != "!":
            if event.tag != _TEXT_TAG:
                self._refuse_tag(event)
            return text
        return text if event.style or event.tag == "!" else plain_scalar(text)

    def _refuse_tag(self, event: yaml.Event) -> None:
        if getattr(event, "tag", None) is not None:
            self._report(event, "YAML tags (!...) are not supported")

    def _mark(self, event: yaml.Event) -> Mark:
        start = event.start_mark
        return Mark(self._name, start.line + 1, start.column + 1) if start else Mark(self._name, 0, 0)

    def _report(self, event: yaml.Event, message: str) -> None:
        self.problems.append(Problem(*self._mark(event), "", message))

    def _refused(self, event: yaml.Event, message: str) -> ConfigError:
        return ConfigError([*self.problems, Problem(*self._mark(event), "", message)])


def _until(end: type[yaml.Event], events: Iterator[yaml.Event]) -> Iterator[yaml.Event]:
    for event in events:
        if isinstance(event, end):
            return
        yield event


def plain_scalar(text: str) -> str | int | float | bool | None:
    """The value of an unquoted scalar; `yes`, `0x1F`, `1_000`, `12:30` and dates are text."""
    if text in {"", "~", "null", "Null", "NULL"}:
        return None
    if text in {"true", "True", "TRUE"}:
        return True
    if text in {"false", "False", "FALSE"}:
        return False
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


class _Flattener:
    """Turns nodes into plain data and records marks; counts what aliases multiply."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._nodes = 0

    def plain(self, node: _Node, path: KeyPath) -> Any:
        """The data of `node`, which stands at `path`."""
        self._nodes += 1
        if self._nodes > MAX_NODES or len(path) > MAX_DEPTH:
            message = f"expands to more than {MAX_NODES} values or {MAX_DEPTH} levels"
            raise ConfigError([*self._document.problems, Problem(*node.mark, render(path), message)])
        self._document.values[path] = node.mark
        if node.items is not None:
            return [self.plain(item, (*path, index)) for index, item in enumerate(node.items)]
        if node.entries is not None:
            return self._mapping(node.entries, path)
        return node.scalar

    def _mapping(self, entries: list[tuple[_Node, _Node]], path: KeyPath) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        first: dict[str, Mark] = {}
        for key, value in entries:
            name = key.scalar
            if not isinstance(name, str) or key.items is not None or key.entries is not None:
                self._report(key.mark, path, "a key is text: put it in quotes (3.10, 405, true and null are not text)")
            elif name == "<<":
                self._report(key.mark, path, "merge keys (<<) are not supported: write the values out")
            elif name in mapping:
                self._report(
                    key.mark, (*path, name), f'duplicate key "{shown(name)}", first on line {first[name].line}'
                )
            else:
                first[name] = key.mark
                self._document.keys[(*path, name)] = key.mark
                mapping[name] = self.plain(value, (*path, name))
                if value.items is not None or value.entries is not None:
                    # A mapping or list is found at its key; where its first entry stands says less.
                    self._document.values[(*path, name)] = key.mark
        return mapping

    def _report(self, mark: Mark, path: KeyPath, message: str) -> None:
        self._document.problems.append(Problem(*mark, render(path), message))
