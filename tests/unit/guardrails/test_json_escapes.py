"""Escapes are decoded as a JSON parser does, with a note of how they were written."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.guardrails.json_escapes import Escape, decode, without_escapes


@given(st.text(), st.booleans())
def test_strings_decode_as_a_parser_decodes_them(text, ascii_only):
    raw = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
    decoded, escapes, size = decode(raw, 0, final=True)
    assert (decoded, size) == (text, len(raw))
    assert len(raw) == len(text) + sum(each.length - 1 for each in escapes)


def test_positions_count_from_the_offset():
    assert decode("a\\nb\\u00e9", 5) == ("a\nbé", [Escape(6, 2), Escape(8, 6)], 10)


@pytest.mark.parametrize(
    "tail", ["\\", "\\u", "\\u1", "\\u12f", "\\ud83d", "\\ud83d\\", "\\uD83D\\u", "\\ud83d\\udE0", "\\\\\\"]
)
def test_an_incomplete_escape_waits_for_the_rest(tail):
    decoded, _, size = decode("ab" + tail, 0)
    assert size < 2 + len(tail)
    assert decoded.rstrip("\\") == "ab"
    assert decode("ab" + tail, 0, final=True)[2] == 2 + len(tail)


@pytest.mark.parametrize("text", ["\\q", "\\u12G4", "\\x41", "a\\ "])
def test_what_is_no_escape_stands_for_itself(text):
    assert decode(text, 0) == (text, [], len(text))


def test_lone_surrogates_are_kept_apart():
    assert decode("\\ud83dx\\ude00\\\\", 0)[0] == "\ud83dx\ude00\\"


def test_quotes_that_are_left_begin_or_end_strings():
    assert without_escapes('"a\\"b\\\\" "') == '"ab" "'
