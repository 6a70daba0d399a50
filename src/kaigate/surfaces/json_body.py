"""Strict JSON request bodies: one reading only, or a refusal that says where.

Two parsers that read one body differently are a way around every policy, so what RFC 8259 leaves open is refused
here: duplicate keys, byte order marks, lone surrogates, NaN, nesting beyond a bound.
"""

import json
from typing import Any, Final, NoReturn, TypeVar

import msgspec

from kaigate.errors import RequestInvalidError

T = TypeVar("T")

_BOM: Final = b"\xef\xbb\xbf"
_TREE: Final = msgspec.json.Decoder()
_NEITHER_QUOTE_NOR_COLON: Final = bytes(set(range(256)) - set(b'":'))
_DETACHED_COLONS: Final = (b" :", b"\n:", b"\t:", b"\r:")
_EXPLAINED_BODY: Final = 1 << 20
"""Bodies beyond this size get the plain message: finding the better one costs a second, slower parse."""


def parse(decoder: "msgspec.json.Decoder[T]", body: bytes, *, max_depth: int) -> T:
    """Decode a body with a typed decoder.

    Raises `RequestInvalidError` on what is not JSON and passes `msgspec.ValidationError` (well-formed JSON of another
    shape) through, because only the surface can name the field.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError as error:
        raise _malformed(body, str(error)) from None
    except UnicodeDecodeError:
        raise _not_utf8(body) from None
    except RecursionError:
        _too_deep(max_depth)


def tree(body: bytes, *, max_depth: int) -> Any:
    """The body as plain builtins, for questions that a typed decoder can't answer."""
    return parse(_TREE, body, max_depth=max_depth)


def count_keys(value: dict[str, Any] | list[Any], max_depth: int, depth: int = 1) -> int:
    """Keys of all objects in a tree; raises `RequestInvalidError` where it is nested deeper than `max_depth`."""
    if depth > max_depth:
        _too_deep(max_depth)
    if type(value) is dict:
        total = len(value)
        children: Any = value.values()
    else:
        total = 0
        children = value
    for child in children:
        kind = type(child)
        if kind is dict or kind is list:
            total += count_keys(child, max_depth, depth + 1)
    return total


def has_only_strings(body: bytes, strings: int) -> bool:
    """Whether a well-formed body is seen at a glance to have exactly `strings` strings, its keys among them.

    `strings` is a number it is known to have at least. Each has two quotes, and a quote within a string makes one more:
    so many and no more means that there are no further ones of either kind. False is said of escaped quotes too.
    """
    # To replace searches with memchr, where to count looks at every byte.
    return len(body) - len(body.replace(b'"', b"")) == 2 * strings


def has_only(body: bytes, keys: int) -> bool:
    """Whether a well-formed body was written with exactly `keys` keys, a number it is known to have at least.

    Outside strings a colon only ever separates a key from its value, so the colons there are the keys as written.
    """
    if keys < 0:
        return False
    if body.count(b'":') == keys and not any(colon in body for colon in _DETACHED_COLONS):
        # As many quotes before a colon as there must at least be, and no colon that stands off its key.
        return True
    return _structural_colons(body) == keys


def require_unique_keys(body: bytes, distinct_keys: int) -> None:
    """Refuse a well-formed body in which some object has a key twice; `distinct_keys` is `count_keys` of its tree."""
    if has_only(body, distinct_keys):
        return
    raise RequestInvalidError(
        "invalid_request",
        f"The request body has the key {safe_name(_duplicate_key(body))} twice in one object; send each key once.",
    )


def safe_name(name: str) -> str:
    """A client's key quoted for a message, or a placeholder when it is long or not an identifier."""
    plain = name.replace("_", "").replace("-", "").replace(".", "")
    if len(name) <= 64 and plain.isascii() and plain.isalnum():
        return f"'{name}'"
    return "(not an identifier)"


def _structural_colons(body: bytes) -> int:
    if b'\\"' in body:  # some quote may be escaped; pairs first: what then still precedes a quote escapes it
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Only quotes and colons matter; without all the rest there is next to nothing to split and join.
    return b"".join(body.translate(None, _NEITHER_QUOTE_NOR_COLON).split(b'"')[::2]).count(b":")


def _duplicate_key(body: bytes) -> str:
    found: list[str] = []

    def note(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                found.append(key)
            seen.add(key)

    json.loads(body, object_pairs_hook=note)
    return found[0] if found else ""


def _too_deep(max_depth: int) -> NoReturn:
    raise RequestInvalidError(
        "invalid_request", f"The request body is nested deeper than {max_depth} levels; flatten it."
    ) from None


def _not_utf8(body: bytes) -> RequestInvalidError:
    where = ""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        where = f" at byte {error.start}"
    return RequestInvalidError("invalid_request", f"The request body is not valid UTF-8{where}; send JSON in UTF-8.")


def _malformed(body: bytes, reason: str) -> RequestInvalidError:
    if not body.strip():
        return RequestInvalidError("invalid_request", "The request body is empty; send a JSON object.")
    if body.startswith(_BOM):
        return RequestInvalidError(
            "invalid_request", "The request body begins with a byte order mark; send UTF-8 without one."
        )
    if "truncated" in reason:
        text = "a \\u escape is half of a surrogate pair" if _is_json_elsewhere(body) else "it ends too early"
        return RequestInvalidError("invalid_request", f"The request body is not valid JSON: {text}.")
    what = reason.removeprefix("JSON is malformed: ")
    what, _, position = what.partition(" (byte ")
    at = int(position.rstrip(")")) if position else 0
    if body[at : at + 3] in (b"NaN", b"Inf") or body[at : at + 4] == b"-Inf":
        what = "NaN and Infinity are not JSON numbers"
    line = body.count(b"\n", 0, at) + 1
    column = at - body.rfind(b"\n", 0, at)
    return RequestInvalidError(
        "invalid_request", f"The request body is not valid JSON: {what} (line {line}, column {column})."
    )


def _is_json_elsewhere(body: bytes) -> bool:
    if len(body) > _EXPLAINED_BODY:
        return False
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True
