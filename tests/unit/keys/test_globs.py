import fnmatch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kaigate.keys.globs import covers, pattern_covers

PATTERNS = st.text("ab*?[]!-", max_size=7)
TEXTS = st.text("ab-[]!*?", max_size=7)


@pytest.mark.parametrize(
    ("outer", "inner", "contained"),
    [
        ("*", "gpt-*", True),
        ("gpt-*", "gpt-4*", True),
        ("gpt-*", "gpt-4", True),
        ("gpt-4*", "gpt-*", False),
        ("gpt-4", "gpt-4", True),
        ("gpt-4", "gpt-4o", False),
        ("gpt-?", "gpt-4", True),
        ("gpt-?", "gpt-*", False),
        ("*-mini", "gpt-*-mini", True),
        ("gpt-*", "*-mini", False),
        ("a*b*c", "a*x*bc*c", True),
        ("a?c", "a[xyz]c", True),
        ("a[xyz]c", "axc", True),
        ("a[xyz]c", "a[xyz]c", True),
        ("a[xyz]c", "a?c", False),
        ("a[!x]c", "axc", False),
        ("", "", True),
        ("", "*", False),
        ("**", "*", True),
        ("*", "**", True),
        ("?*", "*", False),
        ("GPT-*", "gpt-4", False),
        ("[", "[", True),
    ],
)
def test_known_pairs(outer, inner, contained):
    assert pattern_covers(outer, inner) is contained


@given(PATTERNS, PATTERNS, st.lists(TEXTS, min_size=5, max_size=20))
@example("[!]", "!", ["!", "[!]"])
@example("[]]", "]", ["]"])
def test_a_covered_pattern_never_matches_what_the_other_does_not(outer, inner, texts):
    if pattern_covers(outer, inner):
        for text in (*texts, inner):
            assert not fnmatch.fnmatchcase(text, inner) or fnmatch.fnmatchcase(text, outer)


@given(PATTERNS)
def test_every_pattern_covers_itself_and_stars_cover_every_pattern(pattern):
    assert pattern_covers(pattern, pattern)
    assert pattern_covers("*", pattern)


@pytest.mark.parametrize(
    ("bound", "wanted", "contained"),
    [
        (None, None, True),
        (None, ("a",), True),
        (("a",), None, False),
        (("*",), None, True),
        ((), None, False),
        ((), ("a",), False),
        (("a",), (), True),
        (("a*", "b*"), ("b1", "a2"), True),
        (("a*", "b*"), ("b1", "c"), False),
    ],
)
def test_lists_of_patterns(bound, wanted, contained):
    assert covers(bound, wanted) is contained
