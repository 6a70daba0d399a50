"""Events compare by value, so that decoders and stages can be compared."""

import pytest

from kaigate.chat.events import End, Frame, TextDelta


def test_equal_events_are_equal() -> None:
    assert Frame([TextDelta("a"), End()], b"x") == Frame([TextDelta("a", 0), End()], b"x", exact=False)
    assert TextDelta("a") != TextDelta("a", 1)


def test_events_can_not_be_changed() -> None:
    with pytest.raises(AttributeError):
        TextDelta("a").text = "b"  # type: ignore[misc]


def test_a_frame_is_not_exact_unless_its_decoder_says_so() -> None:
    assert Frame([]).exact is False
