"""References are inlined, and what servers can hold an answer to is told from what they can't."""

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.providers import json_schema
from kaigate.providers.json_schema import SchemaError, closed, inlined

NAME = {"type": "string"}


def thing(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def test_references_are_replaced_wherever_they_stand() -> None:
    schema = {
        "$defs": {"a/b": NAME, "pair": thing(left={"$ref": "#/$defs/a~1b"}, right={"$ref": "#/definitions/n"})},
        "definitions": {"n": {"type": "integer"}},
        "type": "object",
        "properties": {
            "one": {"$ref": "#/$defs/pair"},
            "many": {"type": "array", "items": {"$ref": "#/$defs/pair", "description": "d"}},
            "any": {"anyOf": [{"$ref": "#/properties/one"}, {"type": "null"}]},
        },
    }
    pair = thing(left=NAME, right={"type": "integer"})
    assert inlined(schema) == {
        "type": "object",
        "properties": {
            "one": pair,
            "many": {"type": "array", "items": {**pair, "description": "d"}},
            "any": {"anyOf": [pair, {"type": "null"}]},
        },
    }


def test_a_root_that_is_a_reference_itself() -> None:
    assert inlined({"$ref": "#/$defs/a", "$defs": {"a": thing(x=NAME)}}) == thing(x=NAME)


def test_a_property_may_be_called_as_a_keyword() -> None:
    schema = thing(**{"$ref": NAME, "$defs": NAME, "definitions": NAME})
    assert inlined(schema) == schema
    inside = thing(**{"$defs": {"$ref": "#/$defs/n"}})
    assert inlined({**inside, "$defs": {"n": NAME}}) == thing(**{"$defs": NAME})


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"$ref": "#"}, "not in it"),
        ({"$ref": "https://a.example/secret"}, "not in it"),
        ({"$ref": "#/$defs/x"}, "not in it"),
        ({"$ref": "#/$defs/x/y", "$defs": {"x": []}}, "not in it"),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"$ref": "#/$defs/x"}}}, "itself"),
        ({"$ref": "#/$defs/x", "$defs": {"x": thing(next={"$ref": "#/$defs/x"})}}, "itself"),
        ({"$ref": "#/$defs/x", "$defs": {"x": 7}}, "is no schema"),
    ],
)
def test_what_can_not_be_inlined_is_told_without_its_text(schema: dict[str, Any], why: str) -> None:
    with pytest.raises(SchemaError, match=why) as caught:
        inlined(schema)
    assert "secret" not in str(caught.value)


def test_references_that_multiply_are_refused_early(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = {f"d{n}": thing(a={"$ref": f"#/$defs/d{n + 1}"}, b={"$ref": f"#/$defs/d{n + 1}"}) for n in range(40)}
    with pytest.raises(SchemaError, match="too large"):
        inlined({"$ref": "#/$defs/d0", "$defs": {**bomb, "d40": NAME}})
    monkeypatch.setattr(json_schema, "MAX_NODES", 2)
    with pytest.raises(SchemaError, match="too large"):
        inlined(thing(a=NAME))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["left", "right", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(VALUES)
def test_an_inlined_schema_admits_the_same_values(value: Any) -> None:
    schema = {
        "$defs": {
            "leaf": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
            "pair": {**thing(left={"$ref": "#/$defs/leaf"}, right={"$ref": "#/$defs/leaf"}), "required": ["left"]},
        },
        "anyOf": [{"$ref": "#/$defs/pair"}, {"type": "array", "items": {"$ref": "#/$defs/pair"}}],
    }
    assert jsonschema_rs.is_valid(inlined(schema), value) == jsonschema_rs.is_valid(schema, value)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (NAME, NAME),
        (thing(a=NAME), {**thing(a=NAME), "additionalProperties": False}),
        ({**thing(a=NAME), "additionalProperties": False}, {**thing(a=NAME), "additionalProperties": False}),
        (
            {"properties": {"a": thing(b=NAME)}, "required": ["a"]},
            {
                "properties": {"a": {**thing(b=NAME), "additionalProperties": False}},
                "required": ["a"],
                "additionalProperties": False,
            },
        ),
        (
            {"type": "array", "minItems": 1, "items": thing(a=NAME)},
            {"type": "array", "minItems": 1, "items": {**thing(a=NAME), "additionalProperties": False}},
        ),
        ({"anyOf": [thing(a=NAME), {"type": "null"}]}, {"anyOf": [closed(thing(a=NAME)), {"type": "null"}]}),
        ({"type": "string", "format": "date", "enum": ["a"]}, {"type": "string", "format": "date", "enum": ["a"]}),
    ],
)
def test_what_a_server_can_hold_an_answer_to(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    assert closed(schema) == expected


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {"type": "object"},
        thing(),
        {**thing(a=NAME), "additionalProperties": True},
        {**thing(a=NAME), "additionalProperties": NAME},
        {"type": "object", "properties": []},
        {"type": "integer", "minimum": 1},
        {"type": "string", "maxLength": 3},
        {"type": "string", "format": "postcode"},
        {"type": "array", "minItems": 2, "items": NAME},
        {"type": "array", "items": {"type": "integer", "multipleOf": 2}},
        thing(a={"type": "integer", "maximum": 1}),
        {"anyOf": [{"type": "integer", "maximum": 1}]},
        {"allOf": 7},
        {"oneOf": [NAME]},
    ],
)
def test_what_it_can_not(schema: Any) -> None:
    assert closed(schema) is None
