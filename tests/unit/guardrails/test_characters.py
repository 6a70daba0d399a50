"""Runs of characters, their ends, and escape sequences before them."""

import pytest

from kaigate.guardrails.characters import HEX, escape_length, left_bounded, run_end, run_start_after_escape


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 10_000])
def test_a_run_ends_at_the_first_other_character_or_at_the_limit(size):
    text = "g" + "a" * size + "g"
    assert run_end(text, 1, HEX) == 1 + size
    assert run_end(text[:-1], 1, HEX) == 1 + size
    assert run_end(text, 1, HEX, 100) == min(1 + size, 100)


@pytest.mark.parametrize(
    ("before", "bounded"),
    [
        ("", True),
        (" ", True),
        ("_", True),
        ("é", True),
        ("x", False),
        ("9", False),
        ("\\n", True),
        ("\\\\n", True),
        ("n", False),
        ("%3D", True),
        ("3D", False),
        ("\\u003d", True),
        ("u003d", False),
        ("\\x3d", True),
        ("\\q", False),
    ],
)
def test_a_secret_begins_after_anything_but_a_word(before, bounded):
    assert left_bounded(before + "AKIA", len(before)) is bounded


@pytest.mark.parametrize(
    ("text", "length"),
    [("\\n", 2), ("\\", 0), ("\\u00e", 0), ("\\u00e9", 6), ("%4", 0), ("%4a", 3), ("\\x4a", 4), ("\\q", 0)],
)
def test_escape_sequences_have_their_length(text, length):
    assert escape_length(text, 0) == length


@pytest.mark.parametrize(("text", "run", "start"), [("\\nabc", 1, 2), ("%2Fabc", 1, 3), ("=abc", 1, 1), ("abc", 0, 0)])
def test_letters_of_an_escape_are_no_part_of_a_run(text, run, start):
    assert run_start_after_escape(text, run) == start
