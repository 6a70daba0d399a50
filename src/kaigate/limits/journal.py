"""Where the in-process store writes what must outlive the process."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

from kaigate.limits.model import StoreError


class Journal(Protocol):
    """Open reservations and the outbox. A call that returns is kept; one that can't be raises `StoreError`."""

    def reserved(self, id: str, expires_ms: int, record: bytes) -> None:  # noqa: A002 - the protocol's word
        """Note an open reservation: after a crash, `record` is what it is charged as."""
        ...

    def settled(self, id: str, record: bytes) -> None:  # noqa: A002
        """Close a reservation, if it is open, and put its true record in the outbox."""
        ...

    def expired(self, id: str, record: bytes) -> None:  # noqa: A002
        """Close a reservation and put the record it was charged as in the outbox."""
        ...

    def outbox(self, batch: int) -> list[tuple[str, bytes]]:
        """Up to `batch` undelivered records, oldest first."""
        ...

    def delivered(self, ids: Sequence[str]) -> None:
        """Forget records of the outbox."""
        ...


class MemoryJournal:
    """A journal that outlives nothing, for tests and for gateways that keep no usage."""

    def __init__(self, most: int = 100_000) -> None:
        self._most = most
        self._next = 0
        self._outbox: OrderedDict[str, bytes] = OrderedDict()
        self.open: dict[str, tuple[int, bytes]] = {}

    def reserved(self, id: str, expires_ms: int, record: bytes) -> None:  # noqa: A002
        """Note an open reservation."""
        if len(self.open) + len(self._outbox) >= self._most:
            raise StoreError("the journal is full")
        self.open[id] = (expires_ms, record)

    def settled(self, id: str, record: bytes) -> None:  # noqa: A002
        """Close a reservation; its place in the bound goes over to the record."""
        self._append(id, record)

    def expired(self, id: str, record: bytes) -> None:  # noqa: A002
        """Close a reservation; its place in the bound goes over to the record."""
        self._append(id, record)

    def outbox(self, batch: int) -> list[tuple[str, bytes]]:
        """Up to `batch` undelivered records, oldest first."""
        return [item for item, _ in zip(self._outbox.items(), range(batch), strict=False)]

    def delivered(self, ids: Sequence[str]) -> None:
        """Forget records of the outbox."""
        for name in ids:
            self._outbox.pop(name, None)

    def _append(self, reservation: str, record: bytes) -> None:
        if self.open.pop(reservation, None) is None and len(self._outbox) >= self._most:
            raise StoreError("the journal is full")
        self._next += 1
        self._outbox[str(self._next)] = record
