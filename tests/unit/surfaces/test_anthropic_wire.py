"""The wire types refuse what they do not know."""

import msgspec
import pytest

from kaigate.surfaces.anthropic_wire import CountBody, CustomTool, MessagesBody, TextPart, ToolUsePart


def test_objects_refuse_unknown_fields() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field `x`"):
        msgspec.json.decode(b'{"type":"text","text":"","x":1}', type=TextPart)
    with pytest.raises(msgspec.ValidationError, match="unknown field `x`"):
        msgspec.convert({"name": "f", "input_schema": {}, "x": 1}, CustomTool)


def test_a_call_by_something_else_than_the_model_is_refused() -> None:
    body = b'{"type":"tool_use","id":"a","name":"f","input":{},"caller":{"type":"code_execution_20250825"}}'
    with pytest.raises(msgspec.ValidationError, match=r"caller\.type"):
        msgspec.json.decode(body, type=ToolUsePart)


def test_everything_that_is_counted_is_also_served() -> None:
    assert set(CountBody.__annotations__) < set(MessagesBody.__annotations__)
