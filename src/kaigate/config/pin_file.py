"""Writes digests into the text of a configuration file and leaves everything else of it as it is, comments too.

Whether an edit says what was meant is judged by reading the result: nothing else of the data may have changed.
"""

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from kaigate.config.document import Document, Mark, parse_document
from kaigate.config.problems import ConfigError, KeyPath

KEY: Final = "digest"
_NAME: Final = "edited"
_OLD: Final = re.compile(r"""(["']?)(?:sha256:)?[0-9a-f]{64}\1""")
_INDENT: Final = 2


class NotEditableError(ValueError):
    """The file is written in a way that is not edited here: aliases, unusual styles."""


def with_digests(text: str, digests: Mapping[KeyPath, str]) -> str:
    """The text with `digest: sha256:...` in the mapping at each path; `digests` are 64 hex digits.

    Raises `NotEditableError`, and `ConfigError` where `text` is no YAML.
    """
    for path, digest in digests.items():
        text = _with_one(text, path, f"sha256:{digest}")
    return text


def _with_one(text: str, path: KeyPath, value: str) -> str:
    document = parse_document(text.encode(), _NAME)
    wanted = _expected(document.data, path, value)
    for edited in _edits(text, document, path, value):
        try:
            result = parse_document(edited.encode(), _NAME)
        except ConfigError:
            continue
        if result.data == wanted and len(result.problems) == len(document.problems):
            return edited
    raise NotEditableError(f"line {document.at(path).line}: add `{KEY}: {value}` by hand")


def _expected(data: Any, path: KeyPath, value: str) -> Any:
    wanted = copy.deepcopy(data)
    above = wanted
    for step in path[:-1]:
        above = above[step]
    above[path[-1]] = {**(above[path[-1]] or {}), KEY: value}
    return wanted


def _edits(text: str, document: Document, path: KeyPath, value: str) -> Iterator[str]:
    """Ways to write it, the likeliest first."""
    lines = text.splitlines(keepends=True)
    newline = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    entry = f"{KEY}: {value}"
    if (*path, KEY) in document.keys:
        start = _offset(lines, document.values[(*path, KEY)])
        yield text[:start] + _OLD.sub(value, text[start:], count=1)
        return
    keys = [mark for key, mark in document.keys.items() if len(key) == len(path) + 1 and key[:-1] == path]
    if keys:
        first = min(keys)
        start = _offset(lines, first)
        yield text[:start] + entry + newline + " " * (first.column - 1) + text[start:]
        yield text[:start] + entry + ", " + text[start:]
        return
    key = document.at(path, key=True)
    start = _offset(lines, key)
    yield text[:start] + re.sub(r"\{\s*\}", "{" + entry + "}", text[start:], count=1)
    end = sum(map(len, lines[: key.line]))
    before = text[:end] if text[:end].endswith(("\n", "\r")) else text[:end] + newline
    yield before + " " * (key.column - 1 + _INDENT) + entry + newline + text[end:]


def _offset(lines: list[str], mark: Mark) -> int:
    return sum(map(len, lines[: mark.line - 1])) + mark.column - 1
