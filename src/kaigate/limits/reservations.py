"""What the in-process store remembers of admitted requests: open, charged, or settled a short while ago."""

from collections import OrderedDict
from collections.abc import Iterable
from heapq import heapify, heappop, heappush
from typing import Final

from kaigate.limits.budget import Budget
from kaigate.limits.leases import SLACK, Leases
from kaigate.limits.model import Ask, StoreError
from kaigate.limits.window import Entry, Window

# A settlement may be repeated for this long without being counted twice.
SETTLED_MS: Final = 600_000
# In one process a settlement is repeated only by mistake: so many are remembered at most.
MOST_SETTLED: Final = 10_000
# A reservation that was charged can be corrected for this long.
CHARGED_MS: Final = 2 * 86_400_000


class Reservation:
    """Where an ask was counted, so that its settlement finds the places again."""

    __slots__ = ("budgets", "expires_ms", "id", "leases", "nanodollars", "placed", "record", "tokens")

    def __init__(self, ask: Ask, now_ms: int) -> None:
        self.id = ask.id
        self.expires_ms = now_ms + ask.lease_ms
        self.tokens = ask.tokens
        self.nanodollars = ask.nanodollars
        self.record = ask.record
        self.placed: list[tuple[Window, Entry]] = []
        self.leases: list[Leases] = []
        self.budgets: list[Budget] = []


class Reservations:
    """At most `most` open ones, and as many of each kind that is over; of those the oldest are forgotten first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._most_settled = min(most, MOST_SETTLED)
        self._open: dict[str, Reservation] = {}
        self._heap: list[tuple[int, str]] = []
        self._charged: OrderedDict[str, tuple[int, Reservation]] = OrderedDict()
        self._settled: OrderedDict[str, tuple[int, None]] = OrderedDict()
        self.get = self._open.get

    def __len__(self) -> int:
        return len(self._open)

    def check_room(self) -> None:
        """Raise StoreError when no further reservation can be kept."""
        if len(self._open) >= self._most:
            raise StoreError("the in-process store is full of reservations")

    def begin(self, reservation: Reservation) -> None:
        """Keep an open reservation."""
        self._open[reservation.id] = reservation
        self._push(reservation)

    def renew(self, reservation: Reservation, expires_ms: int) -> None:
        """Prolong an open reservation and its leases."""
        reservation.expires_ms = expires_ms
        self._push(reservation)
        for leases in reservation.leases:
            leases.hold(reservation.id, expires_ms)

    def due(self, now_ms: int) -> Reservation | None:
        """The open reservation that expired first, if any did."""
        heap = self._heap
        while heap and heap[0][0] <= now_ms:
            expires_ms, name = heap[0]
            reservation = self._open.get(name)
            if reservation is not None and reservation.expires_ms == expires_ms:
                return reservation
            heappop(heap)
        return None

    def charge(self, reservation: Reservation, now_ms: int) -> None:
        """An open reservation becomes a charged one, without its record."""
        del self._open[reservation.id]
        reservation.record = b""
        self._charged[reservation.id] = (now_ms + CHARGED_MS, reservation)
        _forget(self._charged, self._most, now_ms)

    def was_charged(self, name: str) -> Reservation | None:
        """A charged reservation that may still be corrected."""
        found = self._charged.get(name)
        return None if found is None else found[1]

    def was_settled(self, name: str, now_ms: int) -> bool:
        """Whether a settlement is a repetition."""
        _forget(self._settled, self._most_settled, now_ms)
        return name in self._settled

    def settle(self, name: str, now_ms: int) -> None:
        """Whatever it was, it is settled."""
        self._open.pop(name, None)
        self._charged.pop(name, None)
        self._settled[name] = (now_ms + SETTLED_MS, None)
        _forget(self._settled, self._most_settled, now_ms)

    def _push(self, reservation: Reservation) -> None:
        heappush(self._heap, (reservation.expires_ms, reservation.id))
        if len(self._heap) > 2 * len(self._open) + SLACK:
            self._heap = [(each.expires_ms, each.id) for each in self._open.values()]
            heapify(self._heap)


def release_leases(name: str, held: Iterable[Leases]) -> None:
    """End the leases of one request."""
    for leases in held:
        leases.release(name)


def _forget(
    over: "OrderedDict[str, tuple[int, Reservation]] | OrderedDict[str, tuple[int, None]]", most: int, now_ms: int
) -> None:
    while over and (len(over) > most or next(iter(over.values()))[0] <= now_ms):
        over.popitem(last=False)
