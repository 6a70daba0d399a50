"""A frame is whole and sound, or it is the end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.ledger.frames import MAX_FRAME_BYTES, MAX_RECORD_BYTES, pack, unpack
from kaigate.store.errors import StoreRefused


@given(st.binary(min_size=1, max_size=MAX_RECORD_BYTES), st.binary(max_size=20), st.binary(max_size=20))
def test_a_record_is_found_where_it_was_put(record, before, after):
    assert unpack(before + pack(record) + after, len(before)) == record


@given(st.binary(min_size=1, max_size=200), st.data())
def test_every_torn_frame_is_the_end(record, data):
    frame = pack(record)
    kept = data.draw(st.integers(0, len(frame) - 1))
    assert unpack(frame[:kept], 0) is None
    # A torn write into preallocated space: zeros follow. The missing bytes may have been zeros themselves.
    assert unpack(frame[:kept] + bytes(len(frame) - kept), 0) in {None, record}
    assert (frame[:kept] + bytes(len(frame) - kept) == frame) == (
        unpack(frame[:kept] + bytes(len(frame) - kept), 0) == record
    )


def test_space_never_written_is_the_end():
    assert unpack(bytes(MAX_FRAME_BYTES), 0) is None


@pytest.mark.parametrize("size", [0, MAX_RECORD_BYTES + 1])
def test_a_record_of_another_size_is_refused(size):
    with pytest.raises(StoreRefused, match="1 to 2000 bytes"):
        pack(bytes(size))
