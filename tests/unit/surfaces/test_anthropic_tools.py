"""Tools: the client's own become functions, the vendor's stay what they are."""

from typing import Any

import msgspec
import pytest

from kaigate.chat.request import HostedTool, Tool, ToolChoice
from kaigate.errors import RequestInvalidError
from kaigate.surfaces import anthropic_wire as wire
from kaigate.surfaces.anthropic_tools import extensions, tool_choice, tools

OWN = {"name": "f", "input_schema": {"type": "object"}}


def refusal(*definitions: dict[str, Any]) -> RequestInvalidError:
    with pytest.raises(RequestInvalidError) as refused:
        tools(definitions)
    return refused.value


def test_own_tools() -> None:
    full = {
        **OWN,
        "type": "custom",
        "description": "d",
        "strict": True,
        "cache_control": {"type": "ephemeral", "ttl": "1h"},
        "defer_loading": False,
        "allowed_callers": ["direct"],
        "eager_input_streaming": True,
    }
    assert tools([full]) == ((Tool("f", "d", {"type": "object"}, True, "1h"),), ())
    assert tools([OWN]) == ((Tool("f", None, {"type": "object"}),), ())
    assert tools(None) == ((), ())


@pytest.mark.parametrize(
    ("kind", "ours"),
    [
        ("web_search_20250305", "web_search"),
        ("web_fetch_20250910", "other"),
        ("code_execution_20250825", "code_interpreter"),
        ("computer_20250124", "computer_use"),
        ("mcp_toolset", "mcp"),
        ("bash_20250124", "other"),
        ("text_editor_20250728", "other"),
        ("memory_20250818", "other"),
    ],
)
def test_a_vendors_tool_is_known_by_its_type_and_kept_whole(kind: str, ours: str) -> None:
    definition = {"type": kind, "name": "n", "max_uses": 3}
    own, (hosted,) = tools([definition])
    assert own == ()
    assert hosted == HostedTool(ours, "anthropic_messages", definition)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [7, "", "a b", "x" * 65, "naïve!"])
def test_a_type_that_is_none_is_refused(kind: Any) -> None:
    assert refusal({"type": kind, "name": "n"}).param == "tools[0].type"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"name": "a b"}, "tools[1].name"),
        ({"input_schema": []}, "tools[1].input_schema"),
        ({"parameters": {}}, "tools[1].parameters"),
        ({"name": None}, "tools[1].name"),
        ({"cache_control": {"type": "forever"}}, "tools[1].cache_control.type"),
        ({"defer_loading": True}, "tools[1].defer_loading"),
        ({"allowed_callers": ["code_execution_20250825"]}, "tools[1].allowed_callers"),
        ({"input_examples": [{}]}, "tools[1].input_examples"),
    ],
)
def test_what_is_wrong_with_a_tool_is_named(fields: dict[str, Any], param: str) -> None:
    error = refusal(OWN, {**OWN, "name": "g", **fields})
    assert error.param == param
    assert error.message.startswith("tools[1]")


def test_a_missing_schema_is_named() -> None:
    error = refusal({"name": "f"})
    assert (error.message, error.param) == ("tools[0].input_schema is required.", "tools[0].input_schema")


def test_two_tools_of_one_name_are_refused() -> None:
    assert "earlier tool" in refusal(OWN, OWN).message


Choice = wire.AutoChoice | wire.AnyChoice | wire.ToolChoice | wire.NoneChoice


@pytest.mark.parametrize(
    ("given", "choice", "parallel"),
    [
        ({"type": "auto"}, ToolChoice("auto"), None),
        ({"type": "auto", "disable_parallel_tool_use": True}, ToolChoice("auto"), False),
        ({"type": "any", "disable_parallel_tool_use": False}, ToolChoice("required"), True),
        ({"type": "tool", "name": "f", "disable_parallel_tool_use": True}, ToolChoice("named", "f"), False),
        ({"type": "tool", "name": "s"}, ToolChoice("named", "s"), None),
        ({"type": "none"}, ToolChoice("none"), None),
    ],
)
def test_choices(given: dict[str, Any], choice: ToolChoice, parallel: bool | None) -> None:
    own, hosted = tools([OWN, {"type": "web_search_20250305", "name": "s"}])
    assert tool_choice(msgspec.convert(given, Choice), own, hosted) == (choice, parallel)


def test_a_choice_needs_something_to_choose() -> None:
    assert tool_choice(None, (), ()) == (None, None)
    assert tool_choice(wire.AutoChoice(), (), ()) == (None, None)
    assert tool_choice(wire.NoneChoice(), (), ()) == (None, None)
    with pytest.raises(RequestInvalidError, match="needs tools"):
        tool_choice(wire.AnyChoice(), (), ())
    own, hosted = tools([OWN])
    with pytest.raises(RequestInvalidError, match="not among the tools"):
        tool_choice(wire.ToolChoice("g"), own, hosted)


def test_extensions_keep_their_parameters_name() -> None:
    assert extensions([], None) == ()
    assert [tool.wire for tool in extensions([{"url": "u"}], {"id": "c"})] == [
        {"mcp_servers": [{"url": "u"}]},
        {"container": {"id": "c"}},
    ]
