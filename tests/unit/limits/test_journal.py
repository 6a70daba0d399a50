"""The journal that outlives nothing."""

import pytest

from kaigate.limits.journal import MemoryJournal
from kaigate.limits.model import StoreError


def test_a_reservation_becomes_a_record():
    journal = MemoryJournal()
    journal.reserved("a", 1, b"all of a")
    journal.reserved("b", 1, b"all of b")
    journal.settled("a", b"truth of a")
    journal.expired("b", b"all of b")
    journal.settled("b", b"truth of b")
    assert journal.open == {}
    first = journal.outbox(2)
    assert [record for _, record in first] == [b"truth of a", b"all of b"]
    journal.delivered([name for name, _ in first])
    assert [record for _, record in journal.outbox(10)] == [b"truth of b"]


def test_a_full_journal_refuses_reservations_and_takes_what_it_has_accepted():
    journal = MemoryJournal(2)
    journal.reserved("a", 1, b"")
    journal.settled("a", b"truth of a")
    journal.reserved("b", 1, b"")
    with pytest.raises(StoreError):
        journal.reserved("c", 1, b"")
    journal.settled("b", b"truth of b")
    with pytest.raises(StoreError):
        journal.settled("unknown", b"")
    assert len(journal.outbox(10)) == 2
