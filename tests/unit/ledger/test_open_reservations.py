"""Slots of reservations, across restarts."""

import pytest

from kaigate.ledger.frames import MAX_RECORD_BYTES
from kaigate.ledger.open_reservations import OpenReservations
from kaigate.store.errors import StoreUnavailable


@pytest.fixture
def reopen(tmp_path):
    opened = []

    def make(capacity=4):
        for one in opened:
            one.close()
        opened[:] = [OpenReservations(tmp_path / "reservations", capacity)]
        return opened[0]

    yield make
    opened[0].close()


def test_what_is_open_is_left_and_what_is_dropped_is_not(reopen):
    reservations = reopen()
    for name in ("a", "b", "c"):
        reservations.put(name, 5, name.encode())
    reservations.drop("b")
    reservations.drop("never there")
    assert len(reservations) == 2
    assert {record for _, record in reopen().leftovers()} == {b"a", b"c"}


def test_leftovers_are_in_the_order_of_their_expiry(reopen):
    reservations = reopen()
    for name, expires in (("a", 3), ("b", 1), ("c", 2)):
        reservations.put(name, expires, name.encode())
    assert [record for _, record in reopen().leftovers()] == [b"b", b"c", b"a"]


def test_a_leftover_keeps_its_slot_until_it_is_settled(reopen):
    reservations = reopen(2)
    reservations.put("old", 1, b"old")
    reservations = reopen(2)
    reservations.put("new", 1, b"new")
    with pytest.raises(StoreUnavailable, match="too many requests"):
        reservations.put("more", 1, b"more")
    ((slot, _),) = reservations.leftovers()
    reservations.settle_leftover(slot)
    reservations.put("more", 1, b"more")
    assert {record for _, record in reopen(2).leftovers()} == {b"new", b"more"}


def test_the_largest_record_fits_and_a_smaller_one_takes_its_place(reopen):
    reservations = reopen(1)
    reservations.put("a", 2**63, bytes([7]) * MAX_RECORD_BYTES)
    reservations.put("a", 2, b"small")
    assert [record for _, record in reopen(1).leftovers()] == [b"small"]


def test_a_smaller_capacity_forgets_nothing(reopen):
    reservations = reopen(600)
    for number in range(600):
        reservations.put(str(number), number, str(number).encode())
    assert [record for _, record in reopen(2).leftovers()] == [str(number).encode() for number in range(600)]
