"""Messages are values."""

import pytest

from kaigate.chat.content import ImageBlock, Message, TextBlock


def test_messages_compare_by_value() -> None:
    assert Message("user", (TextBlock("a"),)) == Message("user", (TextBlock("a"),), None, None, developer=False)


def test_messages_can_not_be_changed() -> None:
    with pytest.raises(AttributeError):
        Message("user", ()).role = "system"  # type: ignore[misc]


def test_an_image_has_a_place_or_data() -> None:
    assert ImageBlock(url="https://x").data is None
    assert ImageBlock(data="AAAA", media_type="image/png").url is None
