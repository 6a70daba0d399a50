"""What no database could hold never reaches one."""

import pytest

from kaigate.ledger.acceptance import UnacceptableError, accept, accept_all
from kaigate.ledger.record import MAX_AT_MS, MAX_NANODOLLARS, MAX_TOKENS
from support.usage_records import usage_bytes, usage_record


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"user": "ä" * 128, "model": "m" * 256},
        {"nanodollars": MAX_NANODOLLARS, "input_tokens": MAX_TOKENS},
        {"at_ms": 0},
        {"at_ms": MAX_AT_MS},
        {"team": "", "provider": ""},
    ],
)
def test_what_a_gateway_writes_is_accepted(changes):
    assert accept(usage_bytes(**changes)) == usage_record(**changes)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": ""}, "id is out of bounds"),
        ({"id": "x" * 129}, "id is out of bounds"),
        ({"user": "\0"}, "user holds a NUL"),
        ({"model": "m" * 257}, "model is out of bounds"),
        ({"outcome": "fine"}, "outcome is out of bounds"),
        ({"at_ms": -1}, "at_ms"),
        ({"at_ms": MAX_AT_MS + 1}, "at_ms"),
        ({"nanodollars": -1}, "nanodollars"),
        ({"nanodollars": MAX_NANODOLLARS + 1}, "nanodollars"),
        ({"output_tokens": -1}, "output_tokens is out of bounds"),
        ({"cached_tokens": 2**63}, "cached_tokens is out of bounds"),
    ],
)
def test_what_a_database_can_not_hold_is_refused(changes, reason):
    with pytest.raises(UnacceptableError, match=reason):
        accept(usage_bytes(**changes))


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"\xff\xfe", b"[" * 100_000, usage_bytes().replace(b"100", b"1e999"), usage_bytes()[:-1]],
)
def test_what_is_no_record_is_refused_without_repeating_it(data):
    with pytest.raises(UnacceptableError, match=r"^not a usage record$"):
        accept(data)


def test_many_are_accepted_in_one_go():
    lines = [usage_bytes(id=f"r{number}") for number in range(5)]
    assert accept_all(lines) == [(line, accept(line)) for line in lines]
    assert accept_all([]) == []


@pytest.mark.parametrize(
    "strange",
    [
        b"",
        b"{}",
        b"]",
        b"\xff",
        usage_bytes(user="\0"),
        usage_bytes(outcome="fine"),
        usage_bytes() + b"," + usage_bytes(),
    ],
)
def test_one_that_is_strange_makes_all_be_looked_at_singly(strange):
    assert accept_all([usage_bytes(), strange]) is None


def test_what_only_looks_like_a_nul_is_accepted():
    assert accept(usage_bytes(user=r"\u0000")).user == r"\u0000"
