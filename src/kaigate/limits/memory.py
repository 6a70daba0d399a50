"""The in-process store: counters of one replica, in plain Python, without a wait."""

from collections.abc import Sequence
from typing import Final

from kaigate.clock import Clock
from kaigate.limits.budget import Budget, closed
from kaigate.limits.journal import Journal
from kaigate.limits.leases import Leases
from kaigate.limits.model import Ask, Bound, Settlement, Verdict
from kaigate.limits.reservations import Reservation, Reservations, release_leases
from kaigate.limits.scopes import Scopes
from kaigate.limits.verdicts import NEVER, standing, weight_of
from kaigate.limits.window import Window

MOST_SCOPES: Final = 1_000_000
MOST_RESERVATIONS: Final = 100_000
# Counters looked at per `expire`, which runs about once per second: idle ones vanish also when nothing is admitted.
LOOKS_PER_EXPIRY: Final = 1_000

State = Window | Leases | Budget


class MemoryStore:
    """The twin of `RedisStore` for one process; not shared by threads.

    Time is wall time at construction plus what the monotonic clock says since: a clock that is set back neither
    stretches nor shortens a window. Budgets live as long as the process, unless `restore` brings them back.
    """

    def __init__(
        self,
        clock: Clock,
        journal: Journal,
        *,
        most_scopes: int = MOST_SCOPES,
        most_reservations: int = MOST_RESERVATIONS,
    ) -> None:
        self._monotonic = clock.monotonic
        self._offset_s = clock.now() - clock.monotonic()
        self._journal = journal
        self._windows: Scopes[Window] = Scopes(most_scopes)
        self._leases: Scopes[Leases] = Scopes(most_scopes)
        self._budgets: Scopes[Budget] = Scopes(most_scopes)
        self._reservations = Reservations(most_reservations)

    def admit(self, ask: Ask) -> Verdict:
        """Reserve under all bounds or under none; raises StoreError when memory or journal is full."""
        now_ms = self._now_ms()
        self._tidy(now_ms)
        states = [self._state(bound) for bound in ask.bounds]
        refused, wait_ms = -1, 0
        for position, (bound, state) in enumerate(zip(ask.bounds, states, strict=True)):
            needed_ms = state.refusal_ms(bound.limit, weight_of(ask, bound), now_ms)
            if needed_ms > wait_ms:
                refused, wait_ms = position, needed_ms
        if refused < 0:
            self._reserve(ask, states, now_ms)
        standings = [
            standing(bound, state.used, state.whole_in_ms(now_ms))
            for bound, state in zip(ask.bounds, states, strict=True)
        ]
        return Verdict(refused, 0 if wait_ms == NEVER else wait_ms, tuple(standings))

    async def settle(self, settlement: Settlement) -> None:
        """Replace a reservation by the truth, as `settle_now` does."""
        self.settle_now(settlement)

    def settle_now(self, settlement: Settlement) -> None:
        """Replace a reservation by the truth; a StoreError of the journal changes nothing."""
        now_ms = self._now_ms()
        name = settlement.id
        if self._reservations.was_settled(name, now_ms):
            return
        self._journal.settled(name, settlement.record)
        if (reservation := self._reservations.get(name)) is not None:
            for budget in reservation.budgets:
                budget.settle(reservation.nanodollars, settlement.nanodollars)
            self._correct_tokens(reservation, settlement.tokens, now_ms)
            release_leases(name, reservation.leases)
        elif (reservation := self._reservations.was_charged(name)) is not None:
            for budget in reservation.budgets:
                budget.correct(reservation.nanodollars, settlement.nanodollars)
            self._correct_tokens(reservation, settlement.tokens, now_ms)
        else:
            self._spend_unreserved(settlement)
        self._reservations.settle(name, now_ms)

    async def settle_all(self, settlements: Sequence[Settlement]) -> None:
        """Replace reservations by the truth."""
        for settlement in settlements:
            self.settle_now(settlement)

    async def renew(self, ids: Sequence[str], lease_ms: int) -> None:
        """Prolong open reservations, also one that lapsed but was not charged yet."""
        expires_ms = self._now_ms() + lease_ms
        for name in ids:
            reservation = self._reservations.get(name)
            if reservation is not None:
                self._reservations.renew(reservation, expires_ms)

    async def expire(self, batch: int) -> int:
        """Charge reservations that were not renewed in time, first those that lapsed first."""
        now_ms = self._now_ms()
        for scopes in (self._windows, self._leases, self._budgets):
            scopes.sweep(LOOKS_PER_EXPIRY, now_ms)
        charged = 0
        while charged < batch and (reservation := self._reservations.due(now_ms)) is not None:
            self._journal.expired(reservation.id, reservation.record)
            for budget in reservation.budgets:
                budget.settle(reservation.nanodollars, reservation.nanodollars)
            release_leases(reservation.id, reservation.leases)
            self._reservations.charge(reservation, now_ms)
            charged += 1
        return charged

    async def outbox(self, batch: int) -> list[tuple[str, bytes]]:
        """Undelivered records of the journal."""
        return self._journal.outbox(batch)

    async def delivered(self, ids: Sequence[str]) -> None:
        """Forget records of the journal."""
        self._journal.delivered(ids)

    async def restore(self, spent: Sequence[tuple[Bound, int]]) -> None:
        """Raise budgets to what the ledger knows."""
        now_ms = self._now_ms()
        for bound, nanodollars in spent:
            if not closed(bound.ends_at_ms, now_ms):
                budget = self._budget(bound)
                budget.spent = max(budget.spent, nanodollars)

    async def ping(self) -> float:
        """No round trip at all."""
        return 0.0

    def sizes(self) -> dict[str, int]:
        """Entries per kind of state, for metrics."""
        return {
            "windows": len(self._windows),
            "leases": len(self._leases),
            "budgets": len(self._budgets),
            "reservations": len(self._reservations),
        }

    def _now_ms(self) -> int:
        return round((self._monotonic() + self._offset_s) * 1000)

    def _tidy(self, now_ms: int) -> None:
        self._windows.tidy(now_ms)
        self._leases.tidy(now_ms)
        self._budgets.tidy(now_ms)

    def _state(self, bound: Bound) -> State:
        kind = bound.kind
        if kind == "parallel":
            leases = self._leases.get((bound.scope,))
            return leases if leases is not None else self._leases.add((bound.scope,), Leases())
        if kind == "budget":
            return self._budget(bound)
        key = (bound.scope, kind, bound.window_ms)
        window = self._windows.get(key)
        return window if window is not None else self._windows.add(key, Window(bound.window_ms))

    def _budget(self, bound: Bound) -> Budget:
        key = (bound.scope, bound.window)
        budget = self._budgets.get(key)
        return budget if budget is not None else self._budgets.add(key, Budget(bound.ends_at_ms))

    def _reserve(self, ask: Ask, states: list[State], now_ms: int) -> None:
        self._reservations.check_room()
        reservation = Reservation(ask, now_ms)
        self._journal.reserved(ask.id, reservation.expires_ms, ask.record)
        for bound, state in zip(ask.bounds, states, strict=True):
            if isinstance(state, Window):
                entry = state.add(weight_of(ask, bound), now_ms)
                if bound.kind == "tokens":
                    reservation.placed.append((state, entry))
            elif isinstance(state, Leases):
                state.take(ask.id, reservation.expires_ms)
                reservation.leases.append(state)
            else:
                state.reserved += ask.nanodollars
                reservation.budgets.append(state)
        self._reservations.begin(reservation)

    def _correct_tokens(self, reservation: Reservation, tokens: int, now_ms: int) -> None:
        for window, entry in reservation.placed:
            window.correct(entry, tokens - reservation.tokens, now_ms)

    def _spend_unreserved(self, settlement: Settlement) -> None:
        for bound in settlement.bounds:
            if bound.kind == "budget":
                self._budget(bound).spent += settlement.nanodollars
