"""What a response repeats travels with the request, and nowhere else."""

from kaigate.chat.request import ChatRequest
from kaigate.surfaces.openai_responses_echo import HINT, Echo, echo_of, hints


def test_it_comes_back_as_it_was() -> None:
    echo = Echo({"k": "é"}, instructions=True, encrypted=True, summary="auto", max_tool_calls=3)
    assert echo_of(ChatRequest("m", (), hints=hints(echo))) == echo


def test_nothing_costs_nothing() -> None:
    assert hints(Echo()) == {}
    assert echo_of(ChatRequest("m", (), hints={"anthropic-version": "x"})) == Echo()
    assert HINT == "openai_responses"
