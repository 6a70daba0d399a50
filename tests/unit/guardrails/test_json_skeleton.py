"""JSON stays JSON when strings are dropped from it."""

import pytest

from kaigate.guardrails.json_skeleton import Skeleton


def dropped(pieces: list[str]) -> str:
    skeleton = Skeleton()
    skeleton.passed('{"a": "')
    skeleton.begin()
    out = "".join(skeleton.dropped(piece) for piece in pieces)
    return out + skeleton.passed("}")


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("secret\\n\\u0041", ""),
        ('secret", "more", "', '", "", "'),
        ('x"], "b": {"c": [1, -2.5, true, false, null]', '"], "": {"": [1, -2.5, true, false, null]'),
        ('x", MIIEow, 1}', '", , 1}'),
        ('x\\"y\\\\", "', '", "'),
    ],
)
def test_quotes_brackets_and_literals_are_kept(raw, kept):
    assert dropped([raw]) == kept
    for size in range(1, len(raw)):
        if "\\" not in raw:  # steps never cut an escape
            assert dropped([raw[i : i + size] for i in range(0, len(raw), size)]) == kept


def test_nothing_is_kept_of_a_secret_outside_of_strings():
    skeleton = Skeleton()
    skeleton.passed("x: ")
    skeleton.begin()
    assert skeleton.dropped('abc, "def", {1}') == ""
