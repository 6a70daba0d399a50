"""Type errors of a decoded body, told in the client's words: the field's path and what it expects."""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Final

from kaigate.errors import RequestInvalidError
from kaigate.surfaces.json_body import safe_name

_AT: Final = re.compile(r" - at (?:`(?P<key>key)` in )?`\$(?P<path>.*)`$")
_TYPES: Final[Mapping[str, str]] = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "object": "object",
    "array": "array",
    "null": "null",
}
_INDEX: Final = re.compile(r"\[(?:\d+|\.\.\.)\]")


def field_error(message: str, allowed: Mapping[str, str]) -> RequestInvalidError:
    """Translate the text of a `msgspec.ValidationError`.

    `allowed` maps a path without indices (`messages[].role`) to the values it admits: msgspec repeats the client's
    value instead, which must not reach an answer.
    """
    at = _AT.search(message)
    what = message[: at.start()] if at else message
    path = at["path"].lstrip(".") if at else ""
    if what.startswith("Object missing required field"):
        path = _join(path, what.split("`")[1])
        return RequestInvalidError("invalid_request", f"{path} is required.", param=path)
    if what.startswith("Object contains unknown field"):
        name = what.split("`")[1]
        return RequestInvalidError(
            "unsupported_parameter",
            f"{path or 'The request'} has the unknown field {safe_name(name)}; remove it.",
            param=_join(path, name) if safe_name(name)[0] == "'" else path or None,
        )
    if what.startswith("Invalid"):
        options = allowed.get(_INDEX.sub("[]", path), "")
        return RequestInvalidError(
            "invalid_request", f"{path} has a value that is not allowed{options and '; use '}{options}.", param=path
        )
    if not path:
        return RequestInvalidError("invalid_request", "The request body must be a JSON object.")
    place = f"a key of {path}" if at and at["key"] else path
    return RequestInvalidError("invalid_request", f"{place}: {_expectation(what)}.", param=path)


def unknown_parameter(name: str, known: Iterable[str]) -> RequestInvalidError:
    """The refusal of a top-level parameter that nobody here knows, with the nearest known one."""
    nearest = difflib.get_close_matches(name[:64], list(known), n=1, cutoff=0.75)
    hint = f"did you mean '{nearest[0]}'?" if nearest else "remove it."
    shown = safe_name(name)
    return RequestInvalidError(
        "unsupported_parameter",
        f"The parameter {shown} is not known; {hint}",
        param=name if shown[0] == "'" else None,
    )


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _expectation(what: str) -> str:
    """`Expected `float` <= 2.0` becomes `expected number <= 2.0`."""
    parts = what.split("`")
    for position in range(1, len(parts), 2):
        parts[position] = " or ".join(_TYPES.get(name, name) for name in parts[position].split(" | "))
    text = "".join(parts)
    return text[:1].lower() + text[1:]
