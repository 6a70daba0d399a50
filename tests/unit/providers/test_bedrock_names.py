"""Names go to Bedrock and come back: reversibly, and the same way at every call."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.chat.content import Message, TextBlock, ToolCallBlock
from kaigate.chat.request import ChatRequest, ResponseFormat, Tool, ToolChoice
from kaigate.providers.bedrock_names import ANSWER_TOOL, MAX_NAME, ToolNames, accepted_ids

ALLOWED = set(string.ascii_letters + string.digits + "_-")
USER = Message("user", (TextBlock("x"),))


def request(tools: list[str], history: list[str] | None = None, **fields: object) -> ChatRequest:
    calls = tuple(ToolCallBlock(f"c{index}", name, "{}") for index, name in enumerate(history or ()))
    return ChatRequest(
        "m",
        (USER, Message("assistant", calls)),
        tools=tuple(map(Tool, tools)),
        **fields,  # type: ignore[arg-type]
    )


@given(st.lists(st.text(max_size=80) | st.sampled_from(["a.b", "a_b", "a b", "a" * 70, "a" * 64]), max_size=8))
def test_every_name_is_accepted_and_comes_back(names: list[str]) -> None:
    half = len(names) // 2
    wanted = request(names[:half], names[half:])
    there, back = ToolNames(wanted), ToolNames(wanted)
    wires = {name: there.upstream(name) for name in names}
    for name, wire in wires.items():
        assert 0 < len(wire) <= MAX_NAME
        assert set(wire) <= ALLOWED
        assert back.client(wire) == name
    assert len(set(wires.values())) == len(wires)


def test_accepted_names_keep_themselves_whoever_comes_first() -> None:
    names = ToolNames(request(["a.b", "a_b"], ["a/b"]))
    assert [names.upstream(name) for name in ("a.b", "a_b", "a/b")] == ["a_b_2", "a_b", "a_b_3"]
    assert names.client("never_given") == "never_given"


def test_the_tool_choice_has_a_name_too() -> None:
    names = ToolNames(request(["x y"], tool_choice=ToolChoice("named", "x y")))
    assert names.upstream("x y") == "x_y"


@pytest.mark.parametrize(
    ("fields", "offered", "answer"),
    [
        ({}, True, None),
        ({"tool_choice": ToolChoice("none")}, False, None),
        ({"response_format": ResponseFormat("text")}, True, None),
        ({"response_format": ResponseFormat("json_object")}, True, ANSWER_TOOL),
        ({"response_format": ResponseFormat("json_schema"), "tool_choice": ToolChoice("required")}, True, None),
        ({"response_format": ResponseFormat("json_schema"), "tool_choice": ToolChoice("none")}, False, ANSWER_TOOL),
    ],
)
def test_when_the_answer_is_a_call(fields: dict[str, object], offered: bool, answer: str | None) -> None:
    names = ToolNames(request(["t"], **fields))
    assert (names.offered, names.answer_tool) == (offered, answer)


def test_a_client_s_tool_of_that_name_is_another_one() -> None:
    names = ToolNames(request([ANSWER_TOOL], response_format=ResponseFormat("json_object")))
    assert names.answer_tool == ANSWER_TOOL + "_"


def test_ids_of_calls_are_accepted_and_paired() -> None:
    blocks = (
        ToolCallBlock("call:1.a", "t", "{}"),
        ToolCallBlock("call|1", "t", "{}"),
        ToolCallBlock("x" * 90, "t", ""),
    )
    messages = (Message("assistant", blocks), Message("tool", (), tool_call_id="call|1"))
    assert accepted_ids(ChatRequest("m", messages)) == {
        "call:1.a": "call:1.a",
        "call|1": "call_1",
        "x" * 90: "x" * 64,
    }
