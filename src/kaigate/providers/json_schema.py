"""JSON Schemas as model servers take them: without references, and within what a server can hold an answer to."""

from typing import Any, Final

MAX_NODES: Final = 20_000
"""References may multiply: a schema that grows beyond this is refused."""

_MAX_DEPTH: Final = 64
_CONSTRAINTS: Final = frozenset(
    {
        "contains",
        "dependentRequired",
        "dependentSchemas",
        "else",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "if",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "not",
        "oneOf",
        "pattern",
        "patternProperties",
        "prefixItems",
        "propertyNames",
        "unevaluatedProperties",
        "uniqueItems",
    }
)
_FORMATS: Final = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
)
_CHILDREN: Final = ("anyOf", "allOf")


class SchemaError(ValueError):
    """A schema that can't be written without references; the message says why, without repeating it."""


def inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with each `$ref` into its own `$defs` or `definitions` replaced by what it refers to.

    Raises `SchemaError` for references that lead elsewhere, or to themselves.
    """
    result = _Inliner(schema).copy(schema, (), 0)
    if not isinstance(result, dict):
        raise SchemaError("is no schema")
    for name in ("$defs", "definitions"):
        result.pop(name, None)
    return result


def closed(schema: Any) -> Any:
    """An inlined schema as servers hold answers to it: objects without further properties; None where it asks for more.

    Source: Anthropic docs, "Structured outputs", "JSON Schema limitations".
    """
    if not isinstance(schema, dict) or not _CONSTRAINTS.isdisjoint(schema):
        return None
    if schema.get("format", "date") not in _FORMATS or schema.get("minItems", 0) not in (0, 1):
        return None
    result = dict(schema)
    if "properties" in schema or schema.get("type") == "object":
        properties = schema.get("properties")
        if not isinstance(properties, dict) or not properties or schema.get("additionalProperties", False) is not False:
            return None
        result["additionalProperties"] = False
        result["properties"] = {name: closed(value) for name, value in properties.items()}
        if None in result["properties"].values():
            return None
    if "items" in schema:
        result["items"] = closed(schema["items"])
        if result["items"] is None:
            return None
    for name in _CHILDREN:
        if name in schema:
            result[name] = [closed(value) for value in schema[name]] if isinstance(schema[name], list) else [None]
            if None in result[name]:
                return None
    return result


class _Inliner:
    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._nodes = 0

    def copy(self, value: Any, within: tuple[str, ...], depth: int) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES or depth > _MAX_DEPTH:
            raise SchemaError("is too large")
        if isinstance(value, list):
            return [self.copy(item, within, depth + 1) for item in value]
        if not isinstance(value, dict):
            return value
        reference = value.get("$ref")
        if not isinstance(reference, str):
            return {
                name: item if depth == 0 and name in ("$defs", "definitions") else self.copy(item, within, depth + 1)
                for name, item in value.items()
            }
        if reference in within:
            raise SchemaError("refers to itself")
        target = self.copy(self._target(reference), (*within, reference), depth + 1)
        beside = {name: item for name, item in value.items() if name != "$ref"}
        if not beside or not isinstance(target, dict):
            return target
        return {**target, **self.copy(beside, within, depth + 1)}

    def _target(self, reference: str) -> Any:
        if not reference.startswith("#/"):
            raise SchemaError("refers to what is not in it")
        found: Any = self._root
        for part in reference[2:].split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or name not in found:
                raise SchemaError("refers to what is not in it")
            found = found[name]
        return found
