"""What the ledger keeps of a request."""

import msgspec
import pytest

from kaigate.ledger.record import decode, encode
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
