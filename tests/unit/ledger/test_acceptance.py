"""What no database could hold never reaches one."""

import pytest

from kaigate.ledger.acceptance import MAX_AT_MS, MAX_NANODOLLARS, MAX_TOKENS, UnacceptableError, accept
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
        ({"id": ""}, "id is empty"),
        ({"id": "x" * 129}, "id is longer"),
        ({"user": "\0"}, "user is longer than 128 characters or holds a NUL"),
        ({"model": "m" * 257}, "model is longer"),
        ({"outcome": "fine"}, "outcome is unknown"),
        ({"at_ms": -1}, "at_ms"),
        ({"at_ms": MAX_AT_MS + 1}, "at_ms"),
        ({"nanodollars": -1}, "nanodollars"),
        ({"nanodollars": MAX_NANODOLLARS + 1}, "nanodollars"),
        ({"output_tokens": -1}, "token count"),
        ({"cached_tokens": 2**63}, "token count"),
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
