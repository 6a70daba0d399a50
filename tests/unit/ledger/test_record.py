"""What the ledger keeps of a request."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.chat.usage import Usage
from kaigate.ledger.record import RecordForm, UsageRecord, decode, encode
from support.usage_records import usage_record


@pytest.mark.parametrize("record", [usage_record(), usage_record(estimated=True, cached_tokens=7, user="ann")])
def test_a_record_comes_back_as_it_was(record):
    assert decode(encode(record)) == record


def test_what_is_usual_takes_no_space():
    assert b"estimated" not in encode(usage_record())


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", encode(usage_record()).replace(b'"ok"', b"1")])
def test_what_is_no_record_is_refused(data):
    with pytest.raises(msgspec.MsgspecError):
        decode(data)


@given(
    names=st.fixed_dictionaries(
        {
            name: st.text(st.characters(codec="utf-8"))
            for name in ("key_id", "team", "user", "model", "provider", "surface")
        }
    ),
    usage=st.builds(
        Usage, st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 10**12), estimated=st.booleans()
    ),
    nanodollars=st.integers(0, 10**15),
)
def test_a_form_writes_what_the_struct_would(names, usage, nanodollars):
    data = RecordForm(**names).record("ab12", 1_790_000_000_000, "a.B:c-1", "gone", nanodollars, usage)
    assert msgspec.json.decode(data) == {
        "id": "ab12",
        "at_ms": 1_790_000_000_000,
        "request_id": "a.B:c-1",
        **names,
        "outcome": "gone",
        "nanodollars": nanodollars,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_tokens": usage.cached_input_tokens,
        "estimated": usage.estimated,
    }
    assert b"\n" not in data


def test_what_a_form_writes_is_a_record():
    names = {"key_id": "k", "team": "", "user": "ä", "model": "m", "provider": "p", "surface": "openai_chat"}
    found = decode(RecordForm(**names).record("ab", 5, "r", "ok", 7, Usage(1, 2, 3, estimated=True)))
    assert found == UsageRecord("ab", 5, "r", "k", "", "ä", "m", "p", "openai_chat", "ok", 7, 1, 2, 3, True)
