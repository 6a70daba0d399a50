"""What is remembered of admitted requests, and for how long."""

import pytest

from kaigate.limits.model import Ask, StoreError
from kaigate.limits.reservations import CHARGED_MS, SETTLED_MS, Reservation, Reservations


def reservation(name: str, lease_ms: int = 100) -> Reservation:
    return Reservation(Ask(name, (), 0, 0, lease_ms, b"record"), 0)


def test_those_that_lapsed_are_due_first_lapsed_first():
    kept = Reservations(10)
    for name, lease_ms in (("a", 300), ("b", 100), ("c", 200)):
        kept.begin(reservation(name, lease_ms))
    assert kept.due(99) is None
    kept.renew(kept.get("b"), 400)
    order = []
    while (due := kept.due(400)) is not None:
        order.append(due.id)
        kept.charge(due, 400)
    assert order == ["c", "a", "b"]
    assert len(kept) == 0


def test_a_settlement_is_remembered_for_a_while():
    kept = Reservations(10)
    kept.begin(reservation("a"))
    kept.settle("a", 0)
    assert kept.get("a") is None
    assert kept.was_settled("a", SETTLED_MS - 1)
    assert not kept.was_settled("a", SETTLED_MS)


def test_a_charged_one_can_be_corrected_for_a_while_and_has_no_record():
    kept = Reservations(10)
    charged, later = reservation("a"), reservation("b")
    kept.begin(charged)
    kept.begin(later)
    kept.charge(charged, 0)
    assert kept.was_charged("a") is charged
    assert charged.record == b""
    kept.charge(later, CHARGED_MS)
    assert kept.was_charged("a") is None
    kept.settle("b", CHARGED_MS)
    assert kept.was_charged("b") is None


def test_everything_is_bounded():
    kept = Reservations(3)
    for number in range(3):
        kept.check_room()
        kept.begin(reservation(f"r{number}"))
    with pytest.raises(StoreError):
        kept.check_room()
    for number in range(3):
        kept.settle(f"r{number}", 0)
    for number in range(3, 9):
        kept.begin(reservation(f"r{number}"))
        kept.charge(kept.get(f"r{number}"), 0)
        kept.settle(f"x{number}", 0)
    assert [name for name in map("r{}".format, range(9)) if kept.was_charged(name)] == ["r6", "r7", "r8"]
    assert [number for number in range(9) if kept.was_settled(f"x{number}", 0)] == [6, 7, 8]


def test_renewals_do_not_pile_up():
    kept = Reservations(3)
    held = reservation("a")
    kept.begin(held)
    for end in range(10_000):
        kept.renew(held, end)
    assert len(kept._heap) < 100
