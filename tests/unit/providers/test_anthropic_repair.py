"""What an answer has beyond the known is left out; what changes its meaning stays and is refused."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.providers.anthropic_repair import repaired_event, repaired_message
from kaigate.providers.anthropic_wire import (
    BlockDelta,
    BlockStart,
    MessageDelta,
    Ping,
    TextFragment,
    WireMessage,
    WireStop,
    WireText,
    WireToolUse,
    WireUsage,
)

HEAD = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": {}}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "usage", "delta", "content", "index", "message", "x"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"type": "ping", "at": 5}, Ping()),
        (
            {"type": "content_block_delta", "index": 1, "p": "x", "delta": {"type": "text_delta", "text": "a", "p": 1}},
            BlockDelta(1, TextFragment("a")),
        ),
        (
            {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": "a", "p": 1}},
            BlockStart(1, WireText("a")),
        ),
        (
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn", "container": {"id": "c"}},
                "usage": {"output_tokens": 2, "iterations": [{}], "service_tier": "warp", "inference_geo": "moon"},
                "context_management": {"applied_edits": []},
            },
            MessageDelta(WireStop("end_turn"), WireUsage(output_tokens=2)),
        ),
    ],
)
def test_an_event_with_more_in_it(raw: dict[str, Any], expected: Any) -> None:
    assert repaired_event(raw) == expected


def test_a_call_by_code_of_the_provider_s_keeps_its_arguments() -> None:
    block = {"type": "tool_use", "id": "t", "name": "f", "input": {"x": [1]}, "caller": {"type": "direct", "p": 1}}
    event = repaired_event({"type": "content_block_start", "index": 0, "content_block": block})
    assert isinstance(event, BlockStart)
    assert isinstance(event.content_block, WireToolUse)
    assert bytes(event.content_block.input) == b'{"x":[1]}'


def test_a_message_with_more_in_it() -> None:
    message = repaired_message({**HEAD, "mood": "good", "content": [{"type": "text", "text": "a", "p": 1}]})
    assert message == WireMessage("m", "assistant", "m", [WireText("a")], WireUsage())


@pytest.mark.parametrize(
    "raw",
    [
        None,
        7,
        [],
        {},
        {"type": "song"},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "song"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "song_delta"}},
        {"type": "content_block_delta", "index": "0", "delta": {"type": "text_delta", "text": "x"}},
        {"type": "message_delta", "delta": {"stop_reason": 7}},
    ],
)
def test_what_is_no_event_is_none(raw: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        repaired_event(raw)


@pytest.mark.parametrize(
    "changes", [{"role": "user"}, {"content": [{"type": "song"}]}, {"content": None}, {"usage": None}, {"type": "song"}]
)
def test_what_is_no_message_is_none(changes: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        repaired_message({**HEAD, **changes})


@given(JSON)
def test_nothing_else_is_raised(raw: Any) -> None:
    for repaired in (repaired_event, repaired_message):
        try:
            repaired(raw)  # type: ignore[operator]
        except msgspec.ValidationError:
            continue
