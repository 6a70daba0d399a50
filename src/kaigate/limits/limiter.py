"""The limiter of a process: the store in force, what happens without it, and the heartbeat of what runs."""

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal

import msgspec

from kaigate.limits.model import Ask, Bound, LimitStore, LocalStore, Settlement, StoreError, Verdict
from kaigate.store.errors import StoreTimeout

log = logging.getLogger("kaigate.limits")

OnFailure = Literal["local", "closed", "open"]
Spent = Sequence[tuple[Bound, int]]

_TICK_S: Final = 1.0
_EXPIRE_BATCH: Final = 200
_MAX_UNSETTLED: Final = 100_000
# Few milliseconds make one call of many; the counters are that much late, on the side of refusing.
_GATHER_S: Final = 0.004
_GATHERED: Final = 64
# What was settled within this time may be in the shared store's memory alone: a few turns of the drain.
_RECENT_S: Final = 2.0
_RECENT_CALLS: Final = 2_000
_ADMITTED: Final = Verdict(-1, 0, ())


class Limiter:
    """Admits and settles through `shared`, where there is one; when that fails, by `on_failure`.

    `local` counts in this process, every limit divided by the replicas; `closed` refuses; `open` lets pass. Usage is
    recorded in each case: what `shared` can't take goes to `local`, whose outbox is durable. Once `shared` answers
    again its budgets are raised to what `spent` knows before anything is admitted by it.
    """

    def __init__(
        self,
        local: LocalStore,
        shared: LimitStore | None = None,
        *,
        keep: Callable[[str, bytes], object] = lambda _made, _record: None,
        on_failure: OnFailure = "local",
        replicas: int = 1,
        lease_ms: int = 30_000,
        spent: Callable[[], Awaitable[Spent]] | None = None,
        on_degraded: Callable[[bool], object] = lambda _: None,
    ) -> None:
        """Without `shared` there is nothing to fail over to.

        `keep` puts the record of a settlement that `shared` did not take into the durable outbox of this process.
        """
        self._store = shared or local
        self._own = local
        self._local = local if shared is not None else None
        self._keep = keep
        self._on_failure = on_failure
        self._replicas = replicas
        self._lease_ms = lease_ms
        self._spent = spent
        self._on_degraded = on_degraded
        self._held: dict[str, LimitStore] = {}
        self._unsettled: deque[Settlement] = deque()
        self._leaving: list[Settlement] = []
        self._recent: deque[tuple[float, Sequence[Settlement]]] = deque(maxlen=_RECENT_CALLS)
        # What ends here while the ledger is read for a return to the shared store; None at any other time.
        self._deferred: list[Settlement] | None = None
        self._gathering: asyncio.TimerHandle | None = None
        self._background: set[asyncio.Future[None]] = set()
        self._next_renewal = 0.0
        self.degraded = False

    def admit(self, ask: Ask) -> Verdict | Awaitable[Verdict]:
        """Reserve under all bounds, or under none; raises `StoreError` only with `closed`."""
        if self.degraded:
            return self._without(ask)
        try:
            verdict = self._store.admit(ask)
        except StoreError as error:
            return self._failed(ask, error)
        return self._admitted(ask, verdict, self._store) if isinstance(verdict, Verdict) else self._wait(ask, verdict)

    async def _wait(self, ask: Ask, waiting: Awaitable[Verdict]) -> Verdict:
        try:
            verdict = await waiting
        except StoreError as error:
            if isinstance(error, StoreTimeout):
                # The step may have been taken all the same: it is given back when the store answers again.
                self._owe(Settlement(ask.id, ask.bounds, 0, 0, b""))
            return await _now(self._failed(ask, error))
        except asyncio.CancelledError:
            # The step may have been taken: give back what nobody will use.
            self._later(self._settle((Settlement(ask.id, ask.bounds, 0, 0, b""),)))
            raise
        return self._admitted(ask, verdict, self._store)

    def _admitted(self, ask: Ask, verdict: Verdict, holder: LimitStore) -> Verdict:
        if verdict.refused < 0:
            self._held[ask.id] = holder
        return verdict

    def _failed(self, ask: Ask, error: StoreError) -> Verdict | Awaitable[Verdict]:
        if self._local is None:
            raise error
        self._degrade(error)
        return self._without(ask)

    def _without(self, ask: Ask) -> Verdict | Awaitable[Verdict]:
        """Decide without the shared store."""
        local = self._local
        if local is None or self._on_failure == "closed":
            raise StoreError("the shared store can not be reached")
        if self._on_failure == "open":
            ask = msgspec.structs.replace(ask, bounds=())
        else:
            ask = msgspec.structs.replace(ask, bounds=tuple(self._share(bound) for bound in ask.bounds))
        verdict = local.admit(ask)
        return self._admitted(ask, verdict, local) if isinstance(verdict, Verdict) else verdict

    def _share(self, bound: Bound) -> Bound:
        return msgspec.structs.replace(bound, limit=-(-bound.limit // self._replicas))

    def settle(self, settlement: Settlement) -> None:
        """Replace a reservation by the truth; never fails and never loses the record.

        What the shared store holds is settled together with what else ends within `_GATHER_S`. A process that is
        killed meanwhile has its reservations charged.
        """
        if self._held.pop(settlement.id, self._store) is not self._own:
            self._gather(settlement)
        elif self._deferred is not None:
            self._deferred.append(settlement)
        else:
            self._settle_here(settlement)

    def _gather(self, settlement: Settlement) -> None:
        self._leaving.append(settlement)
        if len(self._leaving) >= _GATHERED:
            self._send_off()
        elif self._gathering is None:
            self._gathering = asyncio.get_running_loop().call_later(_GATHER_S, self._send_off)

    def _settle_here(self, settlement: Settlement) -> None:
        try:
            self._own.settle_now(settlement)
        except StoreError as error:
            log.critical("usage could not be recorded", extra={"detail": str(error)})
        if self._local is not None and not self.degraded:
            # It began while the shared store was away: what it spent counts there all the same, once.
            self._gather(msgspec.structs.replace(settlement, record=b""))

    def _send_off(self) -> None:
        """Settle what has gathered."""
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        leaving, self._leaving = self._leaving, []
        if leaving:
            self._later(self._settle(leaving))

    async def _settle(self, leaving: Sequence[Settlement]) -> None:
        try:
            await self._store.settle_all(leaving)
        except StoreError as error:
            self._degrade(error)
            for settlement in leaving:
                self._keep_record(settlement)
                self._owe(settlement)
        else:
            self._remember(leaving)

    def _remember(self, settled: Sequence[Settlement]) -> None:
        """The shared store may lose its memory before the drain has been there; the ledger takes a record once."""
        if self._local is None:
            return
        now = asyncio.get_running_loop().time()
        self._recent.append((now, settled))
        while self._recent[0][0] < now - _RECENT_S:
            self._recent.popleft()
        if self.degraded:
            self._keep_recent()

    def _keep_recent(self) -> None:
        recent = tuple(self._recent)
        self._recent.clear()
        for _, settled in recent:
            for settlement in settled:
                self._keep_record(settlement)

    def _keep_record(self, settlement: Settlement) -> None:
        """Make the record safe at once; the counters are corrected when the store is back."""
        try:
            if settlement.record:
                self._keep(settlement.id, settlement.record)
        except StoreError as error:
            log.critical("usage could not be recorded", extra={"detail": str(error)})

    def _owe(self, settlement: Settlement) -> None:
        if self._local is not None and len(self._unsettled) < _MAX_UNSETTLED:
            self._unsettled.append(settlement)

    def lost(self, reason: str) -> None:
        """The store went away, if only for a moment: it may come back empty, so that its budgets are rebuilt first."""
        if self._local is not None:
            self._degrade(StoreError(reason))

    def _degrade(self, error: StoreError) -> None:
        if not self.degraded:
            self.degraded = True
            log.error("shared limits are lost", extra={"detail": str(error), "mode": self._on_failure})
            self._on_degraded(True)
            self._keep_recent()

    async def run(self) -> None:
        """Renew what runs, charge what expired, and come back from a failure, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_TICK_S)
            if self.degraded:
                await self._recover()
            if loop.time() >= self._next_renewal:
                self._next_renewal = loop.time() + self._lease_ms / 3000
                await self._quietly(self.renew())
            await self._quietly(self.expire())

    async def rebuild(self) -> None:
        """Raise the store's budgets to what the ledger knows; raises `StoreError`."""
        if self._spent is not None:
            await self._store.restore(await self._spent())

    async def renew(self) -> None:
        """Keep what runs alive."""
        for store in self._stores():
            ids = [made for made, holder in self._held.items() if holder is store]
            if ids and not (self.degraded and store is self._store):
                await store.renew(ids, self._lease_ms)

    async def expire(self) -> None:
        """Charge what was not renewed in time."""
        for store in self._stores():
            if not (self.degraded and store is self._store):
                await store.expire(_EXPIRE_BATCH)

    async def aclose(self) -> None:
        """Wait for what is being settled and given back."""
        self._send_off()
        if self._background:
            await asyncio.wait(self._background, timeout=_TICK_S)

    async def _recover(self) -> None:
        """Back to the shared store, once it answers and its counters are whole again.

        First what it is owed, then the ledger's sums: a counter that has the one is not raised by the other once more.
        """
        try:
            await self._store.ping()
            self._deferred = []
            await self._pay()
            await self.rebuild()
            self.degraded = bool(self._unsettled)
        except Exception as error:  # noqa: BLE001 -- whatever stands in the way, the next tick tries again
            log.debug("shared limits are still lost", extra={"detail": type(error).__name__})
        finally:
            deferred, self._deferred = self._deferred, None
            for settlement in deferred or ():
                self._settle_here(settlement)
        if not self.degraded:
            log.warning("shared limits are back")
            self._on_degraded(False)

    async def _pay(self) -> None:
        while self._unsettled:
            some = tuple(itertools.islice(self._unsettled, _GATHERED))
            await self._store.settle_all(some)
            for _ in some:
                self._unsettled.popleft()

    async def _quietly(self, work: Awaitable[None]) -> None:
        try:
            await work
        except StoreError as error:
            if self._local is not None:
                self._degrade(error)
        except Exception:
            log.exception("keeping limits failed")

    def _stores(self) -> tuple[LimitStore, ...]:
        return (self._store,) if self._local is None else (self._store, self._local)

    def _later(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


async def _now(verdict: Verdict | Awaitable[Verdict]) -> Verdict:
    return verdict if isinstance(verdict, Verdict) else await verdict
