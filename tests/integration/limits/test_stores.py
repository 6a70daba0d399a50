"""What holds over every store."""

import asyncio

import pytest

from kaigate.limits.model import Ask, Bound, Settlement
from support.limit_oracle import ENDS_MS

REQUESTS = Bound("key:a", "requests", 3)
TOKENS = Bound("key:a", "tokens", 100)
PARALLEL = Bound("key:a", "parallel", 2)
BUDGET = Bound("key:a", "budget", 1000, window="30d", ends_at_ms=ENDS_MS)
ALL = (REQUESTS, TOKENS, PARALLEL, BUDGET)


def ask(name: str, *bounds: Bound, tokens: int = 0, money: int = 0, lease_ms: int = 30_000) -> Ask:
    return Ask(name, bounds, tokens, money, lease_ms, b"all of " + name.encode())


def truth(asked: Ask, tokens: int = 0, money: int = 0) -> Settlement:
    return Settlement(asked.id, asked.bounds, tokens, money, b"truth of " + asked.id.encode())


async def test_five_hundred_concurrent_asks_against_a_budget_for_37_admit_37(held):
    budget = Bound("key:a", "budget", 37 * 7 + 6, window="30d", ends_at_ms=ENDS_MS)
    asks = [ask(f"r{number}", budget, money=7) for number in range(500)]
    verdicts = await asyncio.gather(*(held.admit(each) for each in asks))
    assert sum(verdict.refused < 0 for verdict in verdicts) == 37


@pytest.mark.parametrize("pace_ms", [0, 1, 100, 799, 800])
async def test_of_a_loop_of_seventy_the_first_sixty_pass(held, pace_ms):
    passed = []
    for number in range(70):
        passed.append((await held.admit(ask(f"r{number}", Bound("key:a", "requests", 60)))).refused < 0)
        held.clock.now_ms += pace_ms
    assert passed == [True] * 60 + [False] * 10


async def test_a_refusal_records_nothing(held):
    await held.admit(ask("a", *ALL, tokens=90, money=900))
    for number in range(20):
        verdict = await held.admit(ask(f"b{number}", *ALL, tokens=11, money=1))
        assert (verdict.refused, verdict.retry_after_ms) == (1, 60_000)
        assert [standing.remaining for standing in verdict.standings] == [2, 10, 1, 100]
    held.clock.now_ms += 30_000
    assert await held.store.expire(100) == 1
    assert await held.records() == [b"all of a"]
    held.clock.now_ms += 30_000
    verdict = await held.admit(ask("c", *ALL, tokens=100, money=100))
    assert [standing.remaining for standing in verdict.standings] == [2, 0, 1, 0]


async def test_a_wait_for_tokens_ends_when_enough_has_left(held):
    tokens = Bound("key:a", "tokens", 10)
    for number in range(10):
        await held.admit(ask(f"r{number}", tokens, tokens=1))
        held.clock.now_ms += 1000
    verdict = await held.admit(ask("x", tokens, tokens=7))
    assert (verdict.refused, verdict.retry_after_ms) == (0, 56_000)
    held.clock.now_ms += 55_999
    assert (await held.admit(ask("y", tokens, tokens=7))).retry_after_ms == 1
    held.clock.now_ms += 1
    assert (await held.admit(ask("z", tokens, tokens=7))).refused == -1


async def test_a_settlement_corrects_tokens_in_place_and_money_and_ends_the_lease(held):
    first = ask("a", *ALL, tokens=80, money=900)
    await held.admit(first)
    held.clock.now_ms += 1000
    await held.store.settle(truth(first, tokens=30, money=200))
    await held.store.settle(truth(first, tokens=99, money=999))
    verdict = await held.admit(ask("b", *ALL, tokens=70, money=800))
    assert [standing.remaining for standing in verdict.standings] == [1, 0, 1, 0]
    assert await held.records() == [b"truth of a"]
    held.clock.now_ms += 59_000
    assert (await held.admit(ask("c", TOKENS, tokens=30))).refused == -1


async def test_a_settlement_may_take_more_than_was_left(held):
    first = ask("a", TOKENS, BUDGET, tokens=80, money=900)
    await held.admit(first)
    await held.store.settle(truth(first, tokens=150, money=1500))
    verdict = await held.admit(ask("b", TOKENS, BUDGET))
    assert [standing.remaining for standing in verdict.standings] == [0, 0]
    assert verdict.refused == 1


async def test_an_expired_reservation_is_charged_and_a_late_settlement_corrects_it(held):
    asked = ask("a", *ALL, tokens=80, money=900, lease_ms=5_000)
    await held.admit(asked)
    held.clock.now_ms += 4_999
    assert await held.store.expire(10) == 0
    held.clock.now_ms += 1
    assert (await held.admit(ask("b", PARALLEL))).standings[0].remaining == 1
    assert await held.store.expire(10) == 1
    assert await held.store.expire(10) == 0
    assert await held.records() == [b"all of a"]
    assert (await held.admit(ask("c", BUDGET, money=101))).refused == 0
    assert (await held.admit(ask("c", TOKENS, tokens=21))).refused == 0
    await held.store.renew(["a"], 5_000)
    assert (await held.admit(ask("d", PARALLEL))).standings[0].remaining == 0
    await held.store.settle(truth(asked, tokens=10, money=400))
    assert (await held.admit(ask("e", BUDGET, TOKENS, tokens=90, money=600))).refused == -1
    assert await held.records() == [b"all of a", b"truth of a"]


async def test_expiry_takes_at_most_a_batch_oldest_first(held):
    for number in range(5):
        await held.admit(ask(f"r{number}", lease_ms=1000 - number))
    held.clock.now_ms += 1000
    assert [await held.store.expire(2) for _ in range(4)] == [2, 2, 1, 0]
    assert await held.records() == [f"all of r{number}".encode() for number in (4, 3, 2, 1, 0)]


async def test_a_renewal_keeps_a_lease_and_revives_one_that_was_not_charged_yet(held):
    await held.admit(ask("a", PARALLEL, lease_ms=1000))
    for _ in range(100):
        held.clock.now_ms += 900
        await held.store.renew(["a", "unknown"], 1000)
        assert await held.store.expire(10) == 0
    held.clock.now_ms += 1000
    assert (await held.admit(ask("b", PARALLEL))).standings[0].remaining == 1
    await held.store.renew(["a"], 1000)
    assert (await held.admit(ask("c", PARALLEL))).refused == 0


async def test_a_settlement_of_an_unknown_request_is_spent_once(held):
    asked = ask("a", BUDGET, PARALLEL, TOKENS, money=500)
    await held.store.settle(truth(asked, money=300))
    await held.store.settle(truth(asked, money=300))
    verdict = await held.admit(ask("b", BUDGET, PARALLEL, TOKENS))
    assert [standing.remaining for standing in verdict.standings] == [700, 1, 100]
    assert await held.records() == [b"truth of a"]


async def test_restoring_raises_a_budget_and_never_lowers_it(held):
    asked = ask("a", BUDGET, money=100)
    await held.admit(asked)
    await held.store.restore([(BUDGET, 700)])
    await held.store.restore([(BUDGET, 600)])
    await held.store.restore([(BUDGET, 99)])
    assert (await held.admit(ask("b", BUDGET, money=201))).refused == 0
    await held.store.settle(truth(asked, money=50))
    assert (await held.admit(ask("c", BUDGET))).standings[0].remaining == 250


@pytest.mark.parametrize("most", [10**9 - 1, 10**9, 2**53 - 1, 2**53, 2**53 + 1, 10**18, 3 * 10**18 + 7])
async def test_money_is_exact_at_every_size(held, most):
    budget = Bound("key:a", "budget", most, window="30d", ends_at_ms=ENDS_MS)
    await held.store.restore([(budget, most // 3)])
    await held.admit(ask("a", budget, money=most // 3))
    left = most - 2 * (most // 3)
    assert (await held.admit(ask("b", budget, money=left + 1))).refused == 0
    assert (await held.admit(ask("b", budget, money=left))).standings[0].remaining == 0
    verdict = await held.admit(ask("c", budget, money=1))
    assert (verdict.refused, verdict.retry_after_ms) == (0, ENDS_MS - held.clock.now_ms)
    assert (await held.admit(ask("d", budget, money=most + 1))).retry_after_ms == 0
    await held.store.settle(truth(ask("a", budget), money=most // 3 - 1))
    assert (await held.admit(ask("e", budget))).standings[0].remaining == 1


async def test_the_outbox_forgets_what_was_delivered_and_nothing_else(held):
    for number in range(5):
        await held.store.settle(truth(ask(f"r{number}")))
    first = await held.store.outbox(2)
    assert [record for _, record in first] == [b"truth of r0", b"truth of r1"]
    await held.store.delivered([name for name, _ in first])
    await held.store.delivered([name for name, _ in first])
    await held.store.delivered([])
    assert await held.records() == [b"truth of r2", b"truth of r3", b"truth of r4"]


async def test_a_budget_takes_what_settles_soon_after_its_window_and_not_what_settles_long_after(held):
    soon, late = ask("a", BUDGET, money=500, lease_ms=10**9), ask("b", BUDGET, money=500, lease_ms=10**9)
    await held.admit(soon)
    await held.admit(late)
    held.clock.now_ms = ENDS_MS + 1000
    await held.store.settle(truth(soon, money=100))
    assert (await held.admit(ask("c", BUDGET))).standings[0].remaining == 400
    held.clock.now_ms = ENDS_MS + 2 * 86_400_000
    await held.store.settle(truth(late, money=100))
    await held.store.restore([(BUDGET, 999)])
    assert await held.records() == [b"truth of a", b"truth of b"]


async def test_scopes_kinds_and_spans_are_counted_apart(held):
    bounds = (
        Bound("key:a", "requests", 1),
        Bound("key:b", "requests", 1),
        Bound("key:a", "requests", 1, window_ms=1000),
        Bound("key:a", "tokens", 1),
    )
    for number, bound in enumerate(bounds):
        assert (await held.admit(ask(f"r{number}", bound, tokens=1))).refused == -1
