"""Anthropic answers that have more in them than is known: what is not known is left out.

The result is never exact, so it is encoded anew and the rest reaches no client. A block, fragment or event of an
unknown kind stays, and is then refused: leaving it out would change what the model said.
"""

from types import UnionType
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from kaigate.providers.anthropic_wire import WireEvent, WireMessage

T = TypeVar("T")

_EVENT: Final = WireEvent
_FOREIGN: Final = object()


def repaired_event(value: Any) -> WireEvent:
    """An upstream JSON value as an event of a stream; raises `msgspec.ValidationError` when it is none."""
    event: WireEvent = msgspec.convert(_kept(value, _EVENT), _EVENT)
    return event


def repaired_message(value: Any) -> WireMessage:
    """An upstream JSON value as a whole answer; raises `msgspec.ValidationError` when it is none."""
    return msgspec.convert(_kept(value, WireMessage), WireMessage)


def _kept(value: Any, kind: Any) -> Any:
    """The value without keys that `kind` does not have; `_FOREIGN` for a word that a closed set does not have."""
    if isinstance(value, dict):
        struct = _struct(value, kind)
        return value if struct is None else _fields(value, struct)
    if isinstance(value, list):
        element = next((get_args(member)[0] for member in _members(kind) if get_origin(member) is list), Any)
        return [_kept(item, element) for item in value]
    if isinstance(value, str):
        words = [word for member in _members(kind) if get_origin(member) is Literal for word in get_args(member)]
        if words and value not in words:
            return _FOREIGN
    return value


def _fields(value: dict[str, Any], struct: type[msgspec.Struct]) -> dict[str, Any]:
    hints = get_type_hints(struct)
    tag = struct.__struct_config__.tag_field
    result = {tag: value[tag]} if tag is not None and tag in value else {}
    for name, hint in hints.items():
        if name not in value or name not in struct.__struct_fields__:
            continue
        if name == "input" and struct.__struct_config__.tag == "tool_use":
            result[name] = msgspec.Raw(msgspec.json.encode(value[name]))
            continue
        kept = None if _members(hint) == (type(None),) else _kept(value[name], hint)
        if kept is not _FOREIGN:
            result[name] = kept
    return result


def _struct(value: dict[str, Any], kind: Any) -> type[msgspec.Struct] | None:
    structs = [m for m in _members(kind) if isinstance(m, type) and issubclass(m, msgspec.Struct)]
    tagged = [struct for struct in structs if struct.__struct_config__.tag == value.get("type")]
    return next(iter(tagged or [struct for struct in structs if struct.__struct_config__.tag is None]), None)


def _members(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
