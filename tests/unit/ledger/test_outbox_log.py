"""The log: everything appended is read until it is delivered, in order, across segments and restarts."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.ledger.frames import MAX_FRAME_BYTES, MAX_RECORD_BYTES
from kaigate.ledger.outbox_log import OutboxLog
from kaigate.store.errors import StoreUnavailable

SEGMENT = 3 * MAX_FRAME_BYTES


def log_of(folder, **options):
    return OutboxLog(folder, **{"segment_bytes": SEGMENT, "max_segments": 100, **options})


def records(log):
    return [record for _, record in log.read(10_000)]


@pytest.fixture
def log(tmp_path):
    made = log_of(tmp_path)
    yield made
    made.close()


def test_records_are_read_until_they_are_delivered(log):
    log.append(b"a")
    log.append(b"b")
    assert records(log) == [b"a", b"b"] == records(log)
    ((first, _),) = log.read(1)
    log.delivered([first])
    assert records(log) == [b"b"]


def test_a_gap_is_read_again_and_what_follows_it_is_not(log):
    for record in (b"a", b"b", b"c"):
        log.append(record)
    (_, _), (second, _), (third, _) = log.read(3)
    log.delivered([third, second])
    assert records(log) == [b"a"]
    log.delivered([identifier for identifier, _ in log.read(3)])
    log.delivered([third])
    assert records(log) == []


def test_what_is_delivered_leaves_the_disk(log):
    log.provide(30)
    for number in range(20):
        log.append(bytes([number + 1]) * MAX_RECORD_BYTES)
    assert len(records(log)) == 20
    before = log.segments
    log.delivered([identifier for identifier, _ in log.read(19)])
    log.discard()
    assert log.segments < before
    assert records(log) == [bytes([20]) * MAX_RECORD_BYTES]


def test_room_is_a_promise(log):
    log.provide(7)
    room = log.room
    assert room >= 7
    for _ in range(room):
        log.append(bytes([1]) * MAX_RECORD_BYTES)
    assert log.room == 0
    with pytest.raises(StoreUnavailable, match="full"):
        log.append(bytes([1]) * MAX_RECORD_BYTES)
    assert len(records(log)) == room


def test_the_number_of_files_is_bounded(tmp_path):
    log = log_of(tmp_path, max_segments=3)
    log.provide(1_000)
    assert (log.segments, log.room) == (3, 9)
    log.close()


def test_a_disk_without_space_keeps_what_there_is(tmp_path):
    log = log_of(tmp_path)
    log.append(b"kept")

    def no_space(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    log._allocate = no_space
    with pytest.raises(StoreUnavailable, match="no space"):
        log.provide(100)
    log.append(b"still")
    assert records(log) == [b"kept", b"still"]
    log.close()


@pytest.mark.parametrize("torn", [1, 7, 9, 40])
def test_a_torn_frame_at_the_end_hides_nothing(tmp_path, torn):
    log = log_of(tmp_path)
    for record in (b"a" * 50, b"b" * 50):
        log.append(record)
    log.close()
    (segment,) = tmp_path.glob("*.log")
    with segment.open("r+b") as file:
        file.seek(58 + torn)
        file.write(bytes(58 - torn))
    log = log_of(tmp_path)
    log.append(b"c")
    assert records(log) == [b"a" * 50, b"c"]
    log.close()


def test_a_cursor_that_can_not_be_read_repeats_but_loses_nothing(tmp_path):
    log = log_of(tmp_path)
    for record in (b"a", b"b"):
        log.append(record)
    log.delivered([log.read(1)[0][0]])
    log.close()
    (tmp_path / "cursor").write_bytes(b"\xff" * 40)
    log = log_of(tmp_path)
    assert records(log) == [b"a", b"b"]
    log.close()


def test_empty_space_of_earlier_processes_is_given_back(tmp_path):
    for _ in range(5):
        log = log_of(tmp_path)
        log.provide(9)
        log.close()
    assert len(list(tmp_path.glob("*.log"))) == 3


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, MAX_RECORD_BYTES)),
        st.tuples(st.just("deliver"), st.lists(st.integers(0, 9), max_size=6)),
        st.tuples(st.just("restart"), st.none()),
        st.tuples(st.just("discard"), st.none()),
    ),
    max_size=60,
)


@given(steps=STEPS)
def test_any_life_loses_and_repeats_nothing(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("log")
    log, waiting, count = log_of(folder), [], 0
    try:
        for step, argument in steps:
            if step == "append":
                count += 1
                record = count.to_bytes(4, "big") + bytes(argument - 1)
                record = record[:MAX_RECORD_BYTES]
                log.provide(1)
                log.append(record)
                waiting.append(record)
            elif step == "deliver":
                found = log.read(10)
                chosen = {position for position in argument if position < len(found)}
                log.delivered([found[position][0] for position in sorted(chosen, reverse=True)])
                for position in sorted(chosen, reverse=True):
                    waiting.remove(found[position][1])
            elif step == "discard":
                log.discard()
            else:
                # What is delivered behind a gap is repeated by a restart: deliver the gap first.
                gaps = [identifier for identifier, _ in log.read(10_000)] if log._ahead else []
                log.delivered(gaps)
                waiting = [] if gaps else waiting
                log.close()
                log = log_of(folder)
            assert records(log) == waiting
    finally:
        log.close()
        for path in folder.iterdir():
            path.unlink()
