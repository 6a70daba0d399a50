"""The limits by brute force: a log of everything admitted, summed anew for every question; and random schedules."""

import inspect
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from kaigate.limits.model import Ask, Bound, LimitStore, Settlement, Standing, Verdict

START_MS = 1_700_000_000_000
ENDS_MS = START_MS + 5_000_000
# Stores forget settled requests after ten minutes; the oracle forgets nothing.
REPEATABLE_MS = 590_000


class HeldClock:
    """A clock that moves when it is told to; the readings are exact in milliseconds."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self.now_ms = now_ms

    def now(self) -> float:
        return self.now_ms / 1000

    def monotonic(self) -> float:
        return (self.now_ms - START_MS) / 1000 + 77


@dataclass
class Admitted:
    ask: Ask
    at_ms: int
    expires_ms: int
    tokens: int
    nanodollars: int
    state: Literal["open", "charged", "settled"] = "open"


@dataclass
class LimitOracle:
    """Slow and obvious."""

    clock: HeldClock
    log: dict[str, Admitted] = field(default_factory=dict)
    unreserved: dict[str, Settlement] = field(default_factory=dict)
    restored: dict[tuple[str, str], int] = field(default_factory=dict)
    records: list[bytes] = field(default_factory=list)

    def admit(self, ask: Ask) -> Verdict:
        waits = [self._wait(ask, bound) for bound in ask.bounds]
        longest = max(waits, default=0.0)
        refused = waits.index(longest) if longest > 0 else -1
        if refused < 0:
            now_ms = self.clock.now_ms
            self.log[ask.id] = Admitted(ask, now_ms, now_ms + ask.lease_ms, ask.tokens, ask.nanodollars)
        standings = tuple(self._standing(bound) for bound in ask.bounds)
        return Verdict(refused, 0 if longest == float("inf") else int(longest), standings)

    async def settle(self, settlement: Settlement) -> None:
        found = self.log.get(settlement.id)
        if settlement.id in self.unreserved or (found and found.state == "settled"):
            return
        self.records.append(settlement.record)
        if found is None:
            self.unreserved[settlement.id] = settlement
        else:
            found.state = "settled"
            found.tokens, found.nanodollars = settlement.tokens, settlement.nanodollars

    async def renew(self, ids: Sequence[str], lease_ms: int) -> None:
        for name in ids:
            if name in self.log and self.log[name].state == "open":
                self.log[name].expires_ms = self.clock.now_ms + lease_ms

    async def expire(self, batch: int) -> int:
        due = [each for each in self.log.values() if each.state == "open" and each.expires_ms <= self.clock.now_ms]
        due = sorted(due, key=lambda each: (each.expires_ms, each.ask.id))[:batch]
        for each in due:
            each.state = "charged"
            self.records.append(each.ask.record)
        return len(due)

    async def restore(self, spent: Sequence[tuple[Bound, int]]) -> None:
        for bound, nanodollars in spent:
            missing = nanodollars - self._budget(bound, reserved=False)
            if missing > 0:
                key = bound.scope, bound.window
                self.restored[key] = self.restored.get(key, 0) + missing

    def _weights(self, bound: Bound) -> list[tuple[int, int]]:
        return [
            (each.at_ms, each.tokens if bound.kind == "tokens" else 1)
            for each in self.log.values()
            if any(_same(bound, other) for other in each.ask.bounds)
            and each.at_ms > self.clock.now_ms - bound.window_ms
        ]

    def _running(self, bound: Bound) -> int:
        return sum(
            each.state == "open"
            and each.expires_ms > self.clock.now_ms
            and any(_same(bound, other) for other in each.ask.bounds)
            for each in self.log.values()
        )

    def _budget(self, bound: Bound, *, reserved: bool = True) -> int:
        mine = [each for each in self.log.values() if any(_same(bound, other) for other in each.ask.bounds)]
        late = [each for each in self.unreserved.values() if any(_same(bound, other) for other in each.bounds)]
        return (
            self.restored.get((bound.scope, bound.window), 0)
            + sum(each.nanodollars for each in mine if reserved or each.state != "open")
            + sum(each.nanodollars for each in late)
        )

    def _wait(self, ask: Ask, bound: Bound) -> float:
        weight = {"tokens": ask.tokens, "budget": ask.nanodollars}.get(bound.kind, 1)
        now_ms = self.clock.now_ms
        if weight > bound.limit:
            return float("inf")
        if bound.kind == "parallel":
            return 1000 if self._running(bound) + weight > bound.limit else 0
        if bound.kind == "budget":
            return max(1, bound.ends_at_ms - now_ms) if self._budget(bound) + weight > bound.limit else 0
        weights = self._weights(bound)
        moments = sorted({now_ms, *(at_ms + bound.window_ms for at_ms, _ in weights)})
        return next(
            moment - now_ms
            for moment in moments
            if sum(each for at_ms, each in weights if at_ms > moment - bound.window_ms) + weight <= bound.limit
        )

    def _standing(self, bound: Bound) -> Standing:
        now_ms = self.clock.now_ms
        if bound.kind == "parallel":
            running = self._running(bound)
            return Standing(max(0, bound.limit - running), 1000 if running else 0)
        if bound.kind == "budget":
            return Standing(max(0, bound.limit - self._budget(bound)), max(0, bound.ends_at_ms - now_ms))
        weights = self._weights(bound)
        reset_ms = max((at_ms for at_ms, _ in weights), default=now_ms - bound.window_ms) + bound.window_ms - now_ms
        return Standing(max(0, bound.limit - sum(weight for _, weight in weights)), reset_ms)


def _same(one: Bound, other: Bound) -> bool:
    return (one.scope, one.kind, one.window_ms, one.window) == (other.scope, other.kind, other.window_ms, other.window)


Step = tuple[int, str, object]


def schedule(rng: random.Random, steps: int) -> list[Step]:
    """Random steps: milliseconds to wait first, what to do, and with what."""
    span_ms = rng.choice((50, 1000, 60_000))
    everything = (
        Bound("key:a", "requests", rng.randint(1, 8), span_ms),
        Bound("key:a", "tokens", rng.randint(5, 60), span_ms),
        Bound("key:a", "parallel", rng.randint(1, 5)),
        Bound("key:a", "budget", rng.choice((10**9, 10**18)), window="30d", ends_at_ms=ENDS_MS),
        Bound("team:ä b", "requests", rng.randint(1, 12), 60_000),
        Bound("team:ä b", "budget", 2 * 10**9, window="day", ends_at_ms=ENDS_MS + 1),
    )
    done: list[Step] = []
    admitted: list[Ask] = []
    elapsed_ms = 0
    for number in range(steps):
        wait_ms = rng.choice((0, 0, 1, rng.randint(0, span_ms), span_ms // 4, span_ms - 1, span_ms))
        wait_ms = wait_ms if elapsed_ms + wait_ms < REPEATABLE_MS else 1
        elapsed_ms += wait_ms
        what = rng.choices(("admit", "settle", "renew", "expire", "restore"), (60, 25, 5, 8, 2))[0]
        if what == "admit" or not admitted:
            bounds = tuple(bound for bound in everything if rng.random() < 0.8)
            money = rng.choice((0, rng.randint(0, 5 * 10**8), rng.randint(0, 10**18 // 2)))
            lease_ms = rng.choice((span_ms // 2, span_ms * 3))
            ask = Ask(f"r{number:04}", bounds, rng.randint(0, 20), money, lease_ms, f"all of {number}".encode())
            admitted.append(ask)
            done.append((wait_ms, "admit", ask))
        elif what == "settle":
            ask = rng.choice(admitted)
            tokens, money = rng.randint(0, 25), rng.randint(0, ask.nanodollars + 3)
            record = f"truth of {ask.id} at {number}".encode()
            done.append((wait_ms, "settle", Settlement(ask.id, ask.bounds, tokens, money, record)))
        elif what == "renew":
            ids = [ask.id for ask in rng.sample(admitted, min(3, len(admitted)))]
            done.append((wait_ms, "renew", [*ids, "nobody"]))
        elif what == "expire":
            done.append((wait_ms, "expire", rng.randint(1, 3)))
        else:
            budget = rng.choice([bound for bound in everything if bound.kind == "budget"])
            done.append((wait_ms, "restore", [(budget, rng.randint(0, 2 * 10**9))]))
    return done


async def run(store: LimitStore | LimitOracle, clock: HeldClock, steps: Sequence[Step]) -> list[object]:
    """What the store answers to each step of a schedule; `store` must tell the time by `clock`."""
    answers: list[object] = []
    for wait_ms, what, argument in steps:
        clock.now_ms += wait_ms
        if what == "renew":
            answers.append(await store.renew(argument, 700))
            continue
        answer = getattr(store, what)(argument)
        answers.append(await answer if inspect.isawaitable(answer) else answer)
    return answers
