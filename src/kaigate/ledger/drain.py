"""The way of usage from the outbox into SQL: in batches, acknowledged after the commit, patient with an outage."""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from kaigate.clock import Clock
from kaigate.ledger.acceptance import UnacceptableError, accept, accept_all
from kaigate.ledger.record import UsageRecord
from kaigate.store.errors import StoreError, StoreRefused

log = logging.getLogger("kaigate.ledger")

# A batch costs the event loop about three milliseconds, in pieces: small beside what a request takes.
BATCH: Final = 400
IDLE_S: Final = 0.5
BACKOFF_S: Final = (0.2, 10.0)
PRUNE_EVERY_S: Final = 3_600.0
_LOG_EVERY_S: Final = 60.0


class Outbox(Protocol):
    """Where records wait; `LimitStore` has one."""

    async def outbox(self, batch: int) -> list[tuple[str, bytes]]:
        """Undelivered records, oldest first."""
        ...

    async def delivered(self, ids: Sequence[str]) -> None:
        """Forget records."""
        ...


class Keeper(Protocol):
    """Where records go; `Ledger` is one."""

    async def store(self, records: Sequence[UsageRecord]) -> None:
        """Keep records, idempotently."""
        ...

    async def bury(self, data: bytes, reason: str, at_ms: int) -> None:
        """Keep what can't be stored."""
        ...

    async def prune(self, now_ms: int) -> int:
        """Delete a batch of what is kept long enough."""
        ...


class Watch(msgspec.Struct, frozen=True):
    """What metrics want to know: records stored, age of the oldest in seconds, failed attempts, dead letters."""

    on_stored: Callable[[int], object] = lambda _records: None
    on_lag: Callable[[float], object] = lambda _seconds: None
    on_failure: Callable[[], object] = lambda: None
    on_buried: Callable[[int], object] = lambda _records: None


class Drain:
    """Moves one outbox. Several gateways may drain the same one: a record that two of them take is stored once.

    About `batch` records are held at a time. Nobody waits for it: while SQL is down the records stay in the outbox.
    """

    def __init__(
        self,
        outbox: Outbox,
        ledger: Keeper,
        clock: Clock,
        *,
        batch: int = BATCH,
        idle_s: float = IDLE_S,
        backoff_s: tuple[float, float] = BACKOFF_S,
        watch: Watch | None = None,
    ) -> None:
        self._outbox = outbox
        self._ledger = ledger
        self._clock = clock
        self._batch = batch
        self._idle_s = idle_s
        self._backoff_s = backoff_s
        self._watch = watch or Watch()
        # Records in an entry, as seen of late: entries are what an outbox counts.
        self._density = 1.0
        self._failures = 0
        self._logged_at = float("-inf")
        # Gateways that started together do not prune together.
        self._prune_at = clock.monotonic() + random.uniform(0.1, 1) * PRUNE_EVERY_S  # noqa: S311

    async def run(self) -> None:
        """Drain until cancelled; a cancellation at any moment loses nothing."""
        while True:
            try:
                wanted = self._entries()
                taken = await self.step()
                await self._prune_when_due()
            except StoreError as error:
                self._failed(error)
                await asyncio.sleep(self._backoff())
                continue
            self._recovered()
            # Full batches follow each other; the pause between others is uneven, for gateways that share an outbox.
            await asyncio.sleep(0 if taken >= wanted else self._idle_s * random.uniform(0.5, 1.5))  # noqa: S311

    async def flush(self, timeout_s: float) -> bool:
        """At shutdown, after `run`: whether everything that waits was stored within `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                while await self.step():
                    pass
        except TimeoutError:
            return False
        except StoreError as error:
            self._failed(error)
            return False
        return True

    async def step(self) -> int:
        """Move one batch: how many entries; raises `StoreError` and leaves them where they are."""
        entries = await self._outbox.outbox(self._entries())
        if not entries:
            self._watch.on_lag(0.0)
            return 0
        # An empty line is a reservation that was given back unused.
        lines = [line for _, data in entries for line in data.split(b"\n") if line]
        self._density = max(1.0, len(lines) / len(entries))
        records, refused = _sorted_out(lines)
        if records:
            oldest_ms = min(record.at_ms for _, record in records)
            self._watch.on_lag(max(0.0, self._clock.now() - oldest_ms / 1000))
            refused += await self._store(records)
        for data, reason in refused:
            await self._ledger.bury(data, reason, round(self._clock.now() * 1000))
        await self._outbox.delivered([entry for entry, _ in entries])
        self._watch.on_stored(len(lines) - len(refused))
        if refused:
            self._watch.on_buried(len(refused))
            log.error("usage records could not be stored", extra={"records": len(refused), "detail": refused[0][1]})
        return len(entries)

    def _entries(self) -> int:
        return max(1, int(self._batch / self._density))

    async def _store(self, records: Sequence[tuple[bytes, UsageRecord]]) -> list[tuple[bytes, str]]:
        """Store all; what the database refuses by itself while it takes others is given back."""
        try:
            await self._ledger.store([record for _, record in records])
        except StoreRefused as error:
            return await self._store_singly(records, error)
        return []

    async def _store_singly(
        self, records: Sequence[tuple[bytes, UsageRecord]], cause: StoreRefused
    ) -> list[tuple[bytes, str]]:
        refused: list[tuple[bytes, str]] = []
        for data, record in records:
            try:
                await self._ledger.store([record])
            except StoreRefused as error:
                refused.append((data, str(error)))
        # A database that takes nothing at all lacks a table or a permission: that is no fault of the records.
        if len(refused) == len(records):
            raise cause
        return refused

    async def _prune_when_due(self) -> None:
        if self._clock.monotonic() < self._prune_at:
            return
        # In pieces, between batches.
        if not await self._ledger.prune(round(self._clock.now() * 1000)):
            self._prune_at = self._clock.monotonic() + random.uniform(0.5, 1) * PRUNE_EVERY_S  # noqa: S311

    def _failed(self, error: StoreError) -> None:
        self._failures += 1
        self._watch.on_failure()
        now = self._clock.monotonic()
        if now - self._logged_at >= _LOG_EVERY_S:
            self._logged_at = now
            log.warning("usage waits in the outbox", extra={"detail": str(error), "attempts": self._failures})

    def _recovered(self) -> None:
        if self._failures:
            log.info("usage reaches the ledger again", extra={"attempts": self._failures})
            self._failures = 0
            self._logged_at = float("-inf")

    def _backoff(self) -> float:
        least, most = self._backoff_s
        return min(most, least * 2.0 ** min(self._failures - 1, 16)) * random.uniform(0.5, 1)  # noqa: S311


def _sorted_out(lines: Sequence[bytes]) -> tuple[list[tuple[bytes, UsageRecord]], list[tuple[bytes, str]]]:
    records = accept_all(lines)
    if records is not None:
        return records, []
    records, refused = [], []
    for data in lines:
        try:
            records.append((data, accept(data)))
        except UnacceptableError as error:
            refused.append((data, str(error)))
    return records, refused
