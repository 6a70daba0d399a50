"""The reservations of requests under way, on disk: what a crash leaves behind can be charged.

A file of fixed slots, each for one reservation. A slot is free when its length is zero.
"""

import os
import struct
from pathlib import Path
from typing import Final

from kaigate.ledger.disk import open_allocated, write_all
from kaigate.ledger.frames import HEADER, MAX_FRAME_BYTES, pack, unpack
from kaigate.store.errors import StoreUnavailable

_EXPIRES: Final = struct.Struct("<Q")
SLOT_BYTES: Final = 2048
_FREE: Final = bytes(8)
_READ_SLOTS: Final = 512

if MAX_FRAME_BYTES + _EXPIRES.size > SLOT_BYTES:
    raise AssertionError("a frame and its expiry fit a slot")


class OpenReservations:
    """At most `capacity` reservations. Construction and `leftovers` block on the disk; the rest is a `pwrite` each."""

    def __init__(self, path: Path, capacity: int) -> None:
        self._descriptor = open_allocated(path, capacity * SLOT_BYTES)
        self._slots: dict[str, int] = {}
        self._leftovers = self._read(capacity)
        taken = {slot for slot, _, _ in self._leftovers}
        # The last freed is taken first: few pages of the file are ever warm.
        self._free = [slot for slot in range(capacity - 1, -1, -1) if slot not in taken]

    def __len__(self) -> int:
        """How many are open in this process."""
        return len(self._slots)

    def put(self, reservation: str, expires_ms: int, record: bytes) -> None:
        """Keep a reservation; `StoreUnavailable` when all slots are taken or the disk refuses."""
        data = pack(record)
        # The expiry stands behind the frame, where its length is known: one write for both.
        data += _EXPIRES.pack(expires_ms)
        slot = self._slots.get(reservation)
        if slot is None:
            if not self._free:
                raise StoreUnavailable("too many requests are under way for the usage journal")
            slot = self._free[-1]
            write_all(self._descriptor, data, slot * SLOT_BYTES)
            self._slots[reservation] = self._free.pop()
            return
        write_all(self._descriptor, data, slot * SLOT_BYTES)

    def drop(self, reservation: str) -> None:
        """Forget a reservation; unknown ones are ignored."""
        slot = self._slots.get(reservation)
        if slot is not None:
            self._clear(slot)
            del self._slots[reservation]

    def leftovers(self) -> list[tuple[int, bytes]]:
        """Slots and records that an earlier process left, the earliest expiry first."""
        return [(slot, record) for slot, _, record in sorted(self._leftovers, key=lambda left: left[1])]

    def settle_leftover(self, slot: int) -> None:
        """Free the slot of a leftover."""
        self._clear(slot)
        self._leftovers = [left for left in self._leftovers if left[0] != slot]

    def sync(self) -> None:
        """Bring what was written to the disk itself. Blocks."""
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Close the file; what it holds stays."""
        os.close(self._descriptor)

    def _clear(self, slot: int) -> None:
        write_all(self._descriptor, _FREE, slot * SLOT_BYTES)
        self._free.append(slot)

    def _read(self, capacity: int) -> list[tuple[int, int, bytes]]:
        # A file of a larger capacity is read to its end: its reservations count too.
        slots = max(capacity, os.fstat(self._descriptor).st_size // SLOT_BYTES)
        found = []
        for first in range(0, slots, _READ_SLOTS):
            data = os.pread(self._descriptor, _READ_SLOTS * SLOT_BYTES, first * SLOT_BYTES)
            for at in range(0, len(data), SLOT_BYTES):
                record = unpack(data, at)
                if record is not None:
                    (expires_ms,) = _EXPIRES.unpack_from(data, at + HEADER.size + len(record))
                    found.append((first + at // SLOT_BYTES, expires_ms, record))
        return found
