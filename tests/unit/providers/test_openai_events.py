"""The event builder's bounds and bookkeeping; what it makes of frames is in `test_openai_decode`."""

import pytest

from kaigate.errors import UpstreamFailedError
from kaigate.providers.openai_events import MAX_TOOL_CALLS, ChunkEvents
from kaigate.providers.openai_wire import WireChunk, WireChunkChoice, WireDelta, WireFunction, WireToolCallDelta


def chunk(*choices: WireChunkChoice, identity: str = "a") -> WireChunk:
    return WireChunk(identity, "chat.completion.chunk", 1, "m", list(choices))


def test_the_id_of_the_answer_is_that_of_its_first_chunk() -> None:
    builder = ChunkEvents()
    assert builder.answer_id == ""
    builder.feed(chunk(WireChunkChoice(0, WireDelta(role="assistant")), identity="first"))
    builder.feed(chunk(WireChunkChoice(0, WireDelta(content="x")), identity="second"))
    assert builder.answer_id == "first"


def test_an_answer_is_complete_when_every_choice_has_ended() -> None:
    builder = ChunkEvents()
    assert not builder.complete
    builder.feed(chunk(WireChunkChoice(0, WireDelta()), WireChunkChoice(1, WireDelta())))
    builder.feed(chunk(WireChunkChoice(0, WireDelta(), "stop")))
    assert not builder.complete
    builder.feed(chunk(WireChunkChoice(1, WireDelta(), "stop")))
    assert builder.complete


def test_a_second_finish_of_a_choice_is_left_out() -> None:
    builder = ChunkEvents()
    builder.feed(chunk(WireChunkChoice(0, WireDelta(role="assistant"), "stop")))
    assert builder.feed(chunk(WireChunkChoice(0, WireDelta(), "stop"))) == ([], False)


def test_tool_calls_are_bounded() -> None:
    builder = ChunkEvents()
    calls = [
        WireToolCallDelta(index, f"c{index}", "function", WireFunction("f", "")) for index in range(MAX_TOOL_CALLS + 1)
    ]
    with pytest.raises(UpstreamFailedError, match="too many tool calls"):
        builder.feed(chunk(WireChunkChoice(0, WireDelta(tool_calls=calls))))
