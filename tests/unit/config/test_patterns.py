import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.config.patterns import is_glob, literal_head, may_overlap


@pytest.mark.parametrize(("name", "glob"), [("llama3.2:3b", False), ("llama*", True), ("gpt-?", True), ("a[bc]", True)])
def test_patterns_are_told_from_names(name, glob):
    assert is_glob(name) is glob


def test_the_head_is_what_every_admitted_name_begins_with():
    assert [literal_head(name) for name in ("llama*", "*", "a[bc]d", "plain")] == ["llama", "", "a", "plain"]


@pytest.mark.parametrize(
    ("pattern", "name", "overlap"),
    [
        ("llama3", "llama3", True),
        ("llama3", "llama4", False),
        ("llama*", "llama3", True),
        ("llama3", "llama*", True),
        ("llama*", "llama3*", True),
        ("llama3*", "llama*", True),
        ("gpt*", "llama*", False),
        ("*", "anything", True),
        ("*b", "a*", True),
    ],
)
def test_overlap_of_patterns_and_names(pattern, name, overlap):
    assert may_overlap(pattern, name) is overlap


GLOBS = st.text("ab*?", max_size=5)


@given(GLOBS, GLOBS, st.text("ab", max_size=5))
def test_two_patterns_that_admit_one_name_are_never_said_to_be_apart(left, right, name):
    if fnmatch.fnmatchcase(name, left) and fnmatch.fnmatchcase(name, right):
        assert may_overlap(left, right)
