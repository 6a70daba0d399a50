"""The journal: what was acknowledged is in the outbox, whatever happens to the process."""

import contextlib
import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kaigate.ledger.frames import MAX_FRAME_BYTES, MAX_RECORD_BYTES
from kaigate.ledger.journal import Journal
from kaigate.ledger.record import decode
from kaigate.store.errors import StoreUnavailable
from support.usage_records import usage_bytes

CHILD = Path(__file__).parent.parent.parent / "support" / "journal_child.py"
SMALL = {"capacity": 8, "segment_bytes": 16 * MAX_FRAME_BYTES, "max_segments": 4, "sync_s": 0.01}


@pytest.fixture
def reopen(tmp_path):
    opened = []

    def make(**options):
        for one in opened:
            one.close()
        opened[:] = [Journal(tmp_path / "journal", **options)]
        return opened[0]

    yield make
    opened[0].close()


def records(journal):
    return [record for _, record in journal.outbox(100_000)]


def test_a_settlement_takes_the_place_of_its_reservation(reopen):
    journal = reopen()
    journal.reserved("r1", 1, usage_bytes(estimated=True))
    assert records(journal) == []
    journal.settled("r1", usage_bytes())
    assert records(journal) == [usage_bytes()]
    assert reopen().recover() == 0


def test_what_a_dead_process_left_is_charged_once_and_marked_estimated(reopen):
    journal = reopen()
    journal.reserved("r1", 1, usage_bytes())
    journal.reserved("r2", 2, b"not a record")
    journal = reopen()
    assert records(journal) == []
    assert journal.recover() == 2
    assert [decode(records(journal)[0]).estimated, records(journal)[1]] == [True, b"not a record"]
    assert reopen().recover() == 0


def test_an_expiry_is_charged_and_a_late_settlement_follows_it(reopen):
    journal = reopen()
    journal.reserved("r1", 1, b"guess")
    journal.expired("r1", b"guess")
    journal.settled("r1", b"truth")
    assert records(journal) == [b"guess", b"truth"]
    assert reopen().recover() == 0


def test_a_reservation_that_was_given_back_leaves_nothing(reopen):
    journal = reopen()
    journal.reserved("r1", 1, b"guess")
    journal.settled("r1", b"")
    assert records(journal) == []
    assert reopen().recover() == 0


def test_delivered_records_stay_away(reopen):
    journal = reopen()
    for number in range(10):
        journal.settled(str(number), b"%d" % number)
    journal.delivered([identifier for identifier, _ in journal.outbox(7)])
    assert records(reopen()) == [b"7", b"8", b"9"]


def test_one_process_has_it(reopen, tmp_path):
    reopen()
    with pytest.raises(StoreUnavailable, match="in use by another process"):
        Journal(tmp_path / "journal")


def test_it_closes_twice(reopen):
    journal = reopen()
    journal.close()
    journal.close()


@pytest.fixture
def opened(tmp_path):
    """Made outside of the event loop, as when the process starts: it reads its files."""
    journal = Journal(tmp_path / "journal")
    yield journal
    journal.close()


async def test_no_step_blocks_the_event_loop(opened):
    journal = opened
    journal.reserved("r1", 1, b"guess")
    journal.settled("r1", b"truth")
    journal.delivered([identifier for identifier, _ in journal.outbox(10)])
    assert records(journal) == []


def test_a_full_disk_refuses_new_work_and_loses_none(reopen):
    """Space for what is under way is had before it is accepted."""
    full = False

    def allocate(descriptor, offset, size):
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        os.posix_fallocate(descriptor, offset, size)

    journal = reopen(**{**SMALL, "capacity": 4_000, "max_segments": 1_000}, allocate=allocate)
    full = True
    largest = bytes([1]) * MAX_RECORD_BYTES
    accepted = fill(journal, largest)
    with pytest.raises(StoreUnavailable, match="full"):
        journal.reserved("more", 1, largest)
    for number in accepted:
        if number % 3:
            journal.settled(str(number), largest)
    assert len(records(journal)) == len(accepted) > 1_000
    full = False
    wait_until(lambda: accepts(journal))


def test_the_space_on_disk_is_bounded_and_comes_back(reopen):
    journal = reopen(**SMALL)
    while accepts(journal):
        pass
    folder = journal._log._folder
    assert sum(path.stat().st_size for path in folder.glob("*.log")) == 4 * 16 * MAX_FRAME_BYTES
    kept = records(journal)
    journal.delivered([identifier for identifier, _ in journal.outbox(100_000)])
    wait_until(lambda: accepts(journal))
    assert len(kept) >= 56


def test_more_at_once_than_it_was_made_for_is_refused(reopen):
    journal = reopen(**{**SMALL, "max_segments": 100})
    wait_until(lambda: journal._log.room > 100)
    for number in range(8):
        journal.reserved(str(number), 1, b"x")
    with pytest.raises(StoreUnavailable, match="too many requests"):
        journal.reserved("9", 1, b"x")


def test_a_directory_that_can_not_be_is_unavailable(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreUnavailable, match="no directory"):
        Journal(tmp_path / "file" / "journal")


@pytest.mark.parametrize("seed", range(6))
def test_nothing_acknowledged_is_lost_by_a_kill(tmp_path, seed):
    """A process is killed at any moment, four times in a row over the same journal."""
    reserved, settled, delivered = set(), set(), set()
    for life in range(4):
        child = subprocess.Popen(
            [sys.executable, str(CHILD), str(tmp_path / "journal"), f"{seed}-{life}"], stdout=subprocess.PIPE
        )
        assert child.stdout.readline() == b"ready\n"
        time.sleep(0.01 + 0.013 * ((seed * 7 + life * 3) % 8))
        child.kill()
        for line in child.stdout.read().decode().split("\n")[:-1]:
            what, identifier = line.split()
            {"reserved": reserved, "settled": settled, "delivered": delivered}[what].add(identifier)
        child.wait()
        child.stdout.close()
    journal = Journal(tmp_path / "journal")
    journal.recover()
    left = [decode(record) for record in records(journal)]
    journal.close()
    true = {record.id for record in left if not record.estimated}
    assert settled - delivered <= true
    assert reserved - delivered <= {record.id for record in left}
    assert len(reserved) > 100


def accepts(journal):
    try:
        journal.reserved("again", 1, b"x" * MAX_RECORD_BYTES)
    except StoreUnavailable:
        return False
    journal.settled("again", b"x" * MAX_RECORD_BYTES)
    return True


def fill(journal, record):
    """Reserve until nothing is accepted any more, settling every third at once."""
    accepted = []
    with contextlib.suppress(StoreUnavailable):
        for number in range(100_000):
            journal.reserved(str(number), 1, record)
            accepted.append(number)
            if number % 3 == 0:
                journal.settled(str(number), record)
    return accepted


def wait_until(holds, within=5.0):
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)
