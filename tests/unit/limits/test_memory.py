"""The in-process store: against the oracle, and the claims one by one."""

import asyncio
import random

import pytest

from kaigate.limits.journal import MemoryJournal
from kaigate.limits.memory import MemoryStore
from kaigate.limits.model import Ask, Bound, Settlement, StoreError
from support.limit_oracle import ENDS_MS, START_MS, HeldClock, LimitOracle, run, schedule

REQUESTS = Bound("key:a", "requests", 3)
TOKENS = Bound("key:a", "tokens", 100)
PARALLEL = Bound("key:a", "parallel", 2)
BUDGET = Bound("key:a", "budget", 1000, window="30d", ends_at_ms=ENDS_MS)


def ask(name: str, *bounds: Bound, tokens: int = 0, money: int = 0, lease_ms: int = 30_000) -> Ask:
    return Ask(name, bounds, tokens, money, lease_ms, b"all of " + name.encode())


def truth(asked: Ask, tokens: int = 0, money: int = 0) -> Settlement:
    return Settlement(asked.id, asked.bounds, tokens, money, b"truth of " + asked.id.encode())


def store_with(clock: HeldClock | None = None, **options: int) -> tuple[MemoryStore, HeldClock, MemoryJournal]:
    clock, journal = clock or HeldClock(), MemoryJournal()
    return MemoryStore(clock, journal, **options), clock, journal


async def test_random_schedules_agree_with_the_oracle():
    for seed in range(600):
        steps = schedule(random.Random(seed), 40)
        store, clock, _ = store_with()
        oracle = LimitOracle(HeldClock())
        answers, expected = await run(store, clock, steps), await run(oracle, oracle.clock, steps)
        assert answers == expected, seed
        assert [record for _, record in await store.outbox(10_000)] == oracle.records, seed


async def test_five_hundred_concurrent_asks_against_a_budget_for_37_admit_37():
    store, _, _ = store_with()
    budget = Bound("key:a", "budget", 37 * 7 + 6, window="30d", ends_at_ms=ENDS_MS)

    async def attempt(number: int) -> bool:
        await asyncio.sleep(0)
        return store.admit(ask(f"r{number}", budget, money=7)).refused < 0

    assert sum(await asyncio.gather(*(attempt(number) for number in range(500)))) == 37


def test_a_refusal_records_nothing():
    store, clock, journal = store_with()
    store.admit(ask("a", REQUESTS, TOKENS, PARALLEL, BUDGET, tokens=90, money=900))
    for number in range(50):
        verdict = store.admit(ask(f"b{number}", REQUESTS, TOKENS, PARALLEL, BUDGET, tokens=11, money=1))
        assert (verdict.refused, verdict.retry_after_ms) == (1, 60_000)
        assert [standing.remaining for standing in verdict.standings] == [2, 10, 1, 100]
    assert set(journal.open) == {"a"}
    clock.now_ms += 60_000
    assert store.admit(ask("c", REQUESTS, TOKENS, PARALLEL, BUDGET, tokens=100, money=100)).refused == -1


def test_the_longest_wait_is_the_one_that_is_named():
    store, clock, _ = store_with()
    store.admit(ask("a", REQUESTS, PARALLEL, BUDGET, money=1000))
    store.admit(ask("b", PARALLEL))
    verdict = store.admit(ask("c", PARALLEL, BUDGET, REQUESTS, money=1))
    assert (verdict.refused, verdict.retry_after_ms) == (1, ENDS_MS - clock.now_ms)


@pytest.mark.parametrize("bound", [REQUESTS, TOKENS, PARALLEL, BUDGET])
def test_what_is_larger_than_the_limit_never_passes(bound):
    store, _, _ = store_with()
    nothing = Bound(bound.scope, bound.kind, 0, window=bound.window, ends_at_ms=bound.ends_at_ms)
    verdict = store.admit(ask("a", REQUESTS, nothing, tokens=1, money=1))
    assert (verdict.refused, verdict.retry_after_ms) == (1, 0)


async def test_a_settlement_corrects_tokens_in_place_and_money_and_ends_the_lease():
    store, clock, journal = store_with()
    first = ask("a", TOKENS, PARALLEL, BUDGET, tokens=80, money=900)
    store.admit(first)
    clock.now_ms += 1000
    await store.settle(truth(first, tokens=30, money=200))
    await store.settle(truth(first, tokens=99, money=999))
    verdict = store.admit(ask("b", TOKENS, PARALLEL, BUDGET, tokens=70, money=800))
    assert [standing.remaining for standing in verdict.standings] == [0, 1, 0]
    assert [record for _, record in journal.outbox(10)] == [b"truth of a"]
    assert set(journal.open) == {"b"}
    clock.now_ms += 59_000
    assert store.admit(ask("c", TOKENS, tokens=30)).refused == -1


async def test_an_expired_reservation_is_charged_and_a_late_settlement_corrects_it():
    store, clock, journal = store_with()
    asked = ask("a", TOKENS, PARALLEL, BUDGET, tokens=80, money=900, lease_ms=5_000)
    store.admit(asked)
    clock.now_ms += 4_999
    assert await store.expire(10) == 0
    clock.now_ms += 1
    assert store.admit(ask("b", PARALLEL)).standings[0].remaining == 1
    assert await store.expire(10) == 1
    assert [record for _, record in journal.outbox(10)] == [b"all of a"]
    assert store.admit(ask("c", BUDGET, money=101)).refused == 0
    await store.settle(truth(asked, tokens=10, money=400))
    assert store.admit(ask("d", BUDGET, TOKENS, tokens=90, money=600)).refused == -1
    assert [record for _, record in journal.outbox(10)] == [b"all of a", b"truth of a"]


async def test_a_renewal_keeps_a_lease_and_revives_one_that_was_not_charged_yet():
    store, clock, _ = store_with()
    store.admit(ask("a", PARALLEL, lease_ms=1000))
    for _ in range(500):
        clock.now_ms += 900
        await store.renew(["a", "unknown"], 1000)
        assert await store.expire(10) == 0
    clock.now_ms += 1000
    assert store.admit(ask("b", PARALLEL)).standings[0].remaining == 1
    await store.renew(["a"], 1000)
    assert store.admit(ask("c", PARALLEL)).refused == 0


async def test_a_settlement_of_an_unknown_request_is_spent_once():
    store, _, journal = store_with()
    asked = ask("a", BUDGET, money=500)
    await store.settle(truth(asked, money=300))
    await store.settle(truth(asked, money=300))
    assert store.admit(ask("b", BUDGET)).standings[0].remaining == 700
    assert len(journal.outbox(10)) == 1


async def test_restoring_raises_a_budget_and_never_lowers_it():
    store, _, _ = store_with()
    asked = ask("a", BUDGET, money=100)
    store.admit(asked)
    await store.restore([(BUDGET, 700)])
    await store.restore([(BUDGET, 600)])
    assert store.admit(ask("b", BUDGET, money=201)).refused == 0
    await store.settle(truth(asked, money=50))
    assert store.admit(ask("c", BUDGET)).standings[0].remaining == 250


async def test_money_is_exact_beyond_the_precision_of_a_double():
    store, _, _ = store_with()
    most = 10**18
    budget = Bound("key:a", "budget", most, window="30d", ends_at_ms=ENDS_MS)
    store.admit(ask("a", budget, money=most - 1))
    assert store.admit(ask("b", budget, money=2)).refused == 0
    assert store.admit(ask("c", budget, money=1)).refused == -1


async def test_idle_scopes_are_forgotten():
    store, clock, _ = store_with()
    for number in range(2000):
        scope = f"user:{number}"
        bounds = (Bound(scope, "requests", 5), Bound(scope, "parallel", 5))
        asked = ask(f"r{number}", *bounds)
        store.admit(asked)
        await store.settle(truth(asked))
        clock.now_ms += 1000
    assert store.sizes()["windows"] < 200
    assert store.sizes()["leases"] < 200
    clock.now_ms += 60_000
    await store.expire(1)
    assert store.sizes() == {"windows": 0, "leases": 0, "budgets": 0, "reservations": 0}


async def test_a_store_full_of_busy_scopes_takes_no_new_one_and_recovers():
    store, clock, _ = store_with(most_scopes=100)
    for number in range(100):
        store.admit(ask(f"r{number}", Bound(f"user:{number}", "requests", 5)))
    with pytest.raises(StoreError):
        store.admit(ask("x", Bound("user:x", "requests", 5)))
    assert store.admit(ask("y", Bound("user:5", "requests", 5))).refused == -1
    clock.now_ms += 60_000
    assert store.admit(ask("x", Bound("user:x", "requests", 5))).refused == -1


async def test_reservations_are_bounded():
    store, _, _ = store_with(most_reservations=10)
    for number in range(10):
        store.admit(ask(f"r{number}"))
    with pytest.raises(StoreError):
        store.admit(ask("x", REQUESTS))
    await store.settle(truth(ask("r3")))
    assert store.admit(ask("x", REQUESTS)).standings[0].remaining == 2


async def test_a_journal_that_refuses_leaves_everything_as_it_was():
    class Full(MemoryJournal):
        refusing = False

        def reserved(self, id: str, expires_ms: int, record: bytes) -> None:  # noqa: A002
            if self.refusing:
                raise StoreError("full")
            super().reserved(id, expires_ms, record)

        def settled(self, id: str, record: bytes) -> None:  # noqa: A002
            if self.refusing:
                raise StoreError("full")
            super().settled(id, record)

    clock, journal = HeldClock(), Full()
    store = MemoryStore(clock, journal)
    asked = ask("a", REQUESTS, PARALLEL, BUDGET, money=500)
    store.admit(asked)
    journal.refusing = True
    with pytest.raises(StoreError):
        store.admit(ask("b", REQUESTS, PARALLEL, BUDGET, money=100))
    with pytest.raises(StoreError):
        await store.settle(truth(asked, money=1))
    journal.refusing = False
    await store.settle(truth(asked, money=1))
    verdict = store.admit(ask("c", REQUESTS, PARALLEL, BUDGET))
    assert [standing.remaining for standing in verdict.standings] == [1, 1, 999]
    assert journal.open.keys() == {"c"}


def test_a_clock_that_is_set_back_changes_nothing():
    class Stepped(HeldClock):
        def now(self) -> float:
            return 0.0 if self.now_ms > START_MS else super().now()

    clock = Stepped()
    store, _, _ = store_with(clock)
    store.admit(ask("a", Bound("key:a", "requests", 1)))
    clock.now_ms += 59_999
    assert store.admit(ask("b", Bound("key:a", "requests", 1))).retry_after_ms == 1
    clock.now_ms += 1
    assert store.admit(ask("c", Bound("key:a", "requests", 1))).refused == -1
