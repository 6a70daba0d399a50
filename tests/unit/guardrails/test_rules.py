"""Candidates depend on the text around them alone."""

import pytest

from kaigate.guardrails.characters import ALNUM, HEX
from kaigate.guardrails.rules import CAP, CompiledRule, Rule

PREFIX = CompiledRule(
    Rule(
        ("t",), head="k-([a-z]{3})", grows=ALNUM, accepts=lambda t, s, _e: t[s] != "x", judge=lambda _t, _s, e: ("t", e)
    ),
    frozenset(),
)
WHOLE = CompiledRule(
    Rule(("t",), head="[0-9A-Fa-f]{4}", grows=HEX, whole_run=True, judge=lambda _t, _s, e: ("t", e)), frozenset()
)


def spans(rule: CompiledRule, text: str, begin: int = 0, *, final: bool = True) -> list[tuple[int, int, str, bool]]:
    found = rule.candidates(text, text.encode("ascii", "replace"), begin, final)
    return [(each.start, each.end, each.type, each.open) for each in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("k-abc", [(2, 5, "t", False)]),
        ("k-abcDEF k-zzz.", [(2, 8, "t", False), (11, 14, "t", False)]),
        ("ak-abc", []),
        ("k-xbc k-abc", [(8, 11, "t", False)]),
        ("é k-abcé", [(4, 7, "t", False)]),
    ],
)
def test_a_prefix_rule_finds_bounded_and_accepted_heads(text, expected):
    assert spans(PREFIX, text) == expected


def test_a_run_counts_as_a_whole_or_not_at_all():
    assert spans(WHOLE, "abcdefgh 12345") == [(0, 6, "t", False), (9, 14, "t", False)]
    assert spans(WHOLE, "abcdefgh", begin=1) == []


def test_a_candidate_at_the_end_of_what_is_known_is_open():
    assert spans(PREFIX, "k-abc", final=False) == [(2, 5, "", True)]
    assert spans(PREFIX, "k-abc ", final=False) == [(2, 5, "t", False)]
    assert spans(WHOLE, "abcd", final=False) == [(0, 4, "t", True)]


def test_a_candidate_beyond_the_cap_goes_on_to_the_end_of_its_token():
    text = "k-" + "a" * (CAP + 1) + "-_/. k"
    assert spans(PREFIX, text) == [(2, CAP + 7, "t", False)]


def test_disabled_types_are_no_candidates():
    rule = Rule(("t",), head="k-", judge=lambda _t, _s, e: ("t", e))
    assert spans(CompiledRule(rule, frozenset({"t"})), "k-") == []
