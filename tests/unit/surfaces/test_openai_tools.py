"""What the tools of every OpenAI format must keep."""

import pytest

from kaigate.chat.request import Tool
from kaigate.errors import RequestInvalidError
from kaigate.surfaces.openai_tools import allowed_tools, require_offered, unique_tools

LOOK, SEND = Tool("look"), Tool("send")


def test_names_are_unique() -> None:
    assert unique_tools([LOOK, SEND], "tools") == (LOOK, SEND)
    with pytest.raises(RequestInvalidError, match="tools has two functions with one name"):
        unique_tools([LOOK, LOOK], "tools")


def test_allowed_tools_narrow_the_offer_in_its_order() -> None:
    assert allowed_tools({"send"}, (LOOK, SEND), "tool_choice.tools") == (SEND,)
    with pytest.raises(RequestInvalidError) as refusal:
        allowed_tools({"send", "other"}, (LOOK, SEND), "tool_choice.tools")
    assert refusal.value.param == "tool_choice.tools"


def test_a_named_tool_must_be_offered() -> None:
    require_offered({"look"}, (LOOK,), "tool_choice")
    with pytest.raises(RequestInvalidError, match="not among the tools"):
        require_offered({"send"}, (LOOK,), "tool_choice")
