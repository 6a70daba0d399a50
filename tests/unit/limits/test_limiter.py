import asyncio
from collections.abc import Sequence

import pytest

from kaigate.limits.limiter import Limiter
from kaigate.limits.model import Ask, Bound, Settlement, Standing, StoreError, Verdict
from kaigate.store.errors import StoreTimeout

BOUND = Bound("key:a", "requests", 10)
BUDGET = Bound("key:a", "budget", 0, window="2026-11", ends_at_ms=1)


def ask(made: str = "r1", *bounds: Bound) -> Ask:
    return Ask(made, bounds or (BOUND,), 5, 7, 30_000, b"estimate")


class Script:
    """A store that does what it is told, and fails while `down`."""

    def __init__(self, *, remote: bool) -> None:
        self.remote = remote
        self.down = False
        self.failure = StoreError("down")
        self.asked: list[Ask] = []
        self.settled: list[Settlement] = []
        self.calls = 0
        self.renewed: list[tuple[str, ...]] = []
        self.restored: list[Sequence[tuple[Bound, int]]] = []
        self.expired = 0
        self.hold: asyncio.Event | None = None
        self.verdict = Verdict(-1, 0, (Standing(9, 0),))

    def _up(self) -> None:
        if self.down:
            raise self.failure

    def admit(self, given: Ask):
        if not self.remote:
            self._up()
            self.asked.append(given)
            return self.verdict
        return self._admit(given)

    async def _admit(self, given: Ask) -> Verdict:
        self._up()
        self.asked.append(given)
        if self.hold is not None:
            await self.hold.wait()
        return self.verdict

    async def settle(self, settlement: Settlement) -> None:
        self.settle_now(settlement)

    async def settle_all(self, settlements: Sequence[Settlement]) -> None:
        self._up()
        self.calls += 1
        self.settled += settlements

    def settle_now(self, settlement: Settlement) -> None:
        self._up()
        self.settled.append(settlement)

    async def renew(self, ids: Sequence[str], lease_ms: int) -> None:
        self._up()
        self.renewed.append(tuple(ids))

    async def expire(self, batch: int) -> int:
        self._up()
        self.expired += 1
        return 0

    async def restore(self, spent: Sequence[tuple[Bound, int]]) -> None:
        self._up()
        self.restored.append(spent)

    async def ping(self) -> float:
        self._up()
        return 0.001


class Bench:
    def __init__(self, **options) -> None:
        self.shared, self.local = Script(remote=True), Script(remote=False)
        self.kept: list[tuple[str, bytes]] = []
        self.told: list[bool] = []
        self.limiter = Limiter(
            self.local,
            self.shared,
            keep=lambda made, record: self.kept.append((made, record)),
            spent=self.spent,
            on_degraded=self.told.append,
            **options,
        )

    async def spent(self):
        return [(BUDGET, 12)]

    async def admit(self, given: Ask) -> Verdict:
        verdict = self.limiter.admit(given)
        return verdict if isinstance(verdict, Verdict) else await verdict


async def test_a_local_store_is_asked_without_waiting():
    store = Script(remote=False)
    limiter = Limiter(store)
    assert limiter.admit(ask()) == store.verdict
    limiter.settle(Settlement("r1", (BOUND,), 1, 2, b"truth"))
    assert store.settled == [Settlement("r1", (BOUND,), 1, 2, b"truth")]


async def test_a_local_store_that_fails_is_not_replaced():
    store = Script(remote=False)
    store.down = True
    with pytest.raises(StoreError):
        Limiter(store).admit(ask())


async def test_without_the_shared_store_each_replica_has_its_share():
    bench = Bench(replicas=4)
    bench.shared.down = True
    await bench.admit(ask())
    assert [bound.limit for bound in bench.local.asked[0].bounds] == [3]
    assert bench.told == [True]
    bench.limiter.settle(Settlement("r1", (BOUND,), 1, 2, b"truth"))
    assert [each.id for each in bench.local.settled] == ["r1"]


async def test_failing_open_counts_nothing_and_still_records():
    bench = Bench(on_failure="open")
    bench.shared.down = True
    await bench.admit(ask())
    assert bench.local.asked[0].bounds == ()
    assert bench.local.asked[0].record == b"estimate"


async def test_failing_closed_refuses_at_once():
    bench = Bench(on_failure="closed")
    bench.shared.down = True
    for _ in range(2):
        with pytest.raises(StoreError):
            await bench.admit(ask())
    assert bench.local.asked == []


async def test_a_settlement_that_the_store_does_not_take_is_kept_and_delivered_later():
    bench = Bench()
    await bench.admit(ask())
    bench.shared.down = True
    late = Settlement("r1", (BOUND,), 1, 2, b"truth")
    bench.limiter.settle(late)
    await bench.limiter.aclose()
    assert bench.kept == [("r1", b"truth")]
    bench.shared.down = False
    await bench.limiter._recover()
    assert bench.shared.settled == [late]
    assert bench.shared.restored == [[(BUDGET, 12)]]
    assert bench.told == [True, False]


async def test_nothing_is_admitted_by_a_store_that_came_back_before_its_budgets_are_whole():
    bench = Bench()
    bench.shared.down = True
    await bench.admit(ask("r1"))
    bench.shared.down = False
    await bench.admit(ask("r2"))
    assert [each.id for each in bench.local.asked] == ["r1", "r2"]
    await bench.limiter._recover()
    await bench.admit(ask("r3"))
    assert [each.id for each in bench.shared.asked] == ["r3"]


async def test_a_store_that_is_still_gone_stays_given_up():
    bench = Bench()
    bench.shared.down = True
    await bench.admit(ask())
    await bench.limiter._recover()
    assert bench.limiter.degraded
    assert bench.told == [True]


async def test_a_client_that_leaves_while_it_waits_gives_back_what_was_reserved():
    bench = Bench()
    bench.shared.hold = asyncio.Event()
    waiting = asyncio.ensure_future(bench.admit(ask()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await bench.limiter.aclose()
    assert bench.shared.settled == [Settlement("r1", (BOUND,), 0, 0, b"")]


async def test_what_runs_is_renewed_by_the_store_that_holds_it():
    bench = Bench()
    await bench.admit(ask("shared"))
    bench.shared.down = True
    await bench.admit(ask("local"))
    await bench.limiter.renew()
    assert bench.local.renewed == [("local",)]
    bench.shared.down = False
    await bench.limiter._recover()
    await bench.limiter.renew()
    assert bench.shared.renewed == [("shared",)]
    bench.limiter.settle(Settlement("shared", (BOUND,), 1, 2, b"truth"))
    bench.limiter.settle(Settlement("local", (BOUND,), 1, 2, b"truth"))
    await bench.limiter.renew()
    assert (len(bench.shared.renewed), len(bench.local.renewed)) == (1, 2)


async def test_a_refusal_holds_nothing():
    bench = Bench()
    bench.shared.verdict = Verdict(0, 1000, (Standing(0, 1000),))
    assert (await bench.admit(ask())).refused == 0
    await bench.limiter.renew()
    assert bench.shared.renewed == []


async def test_expiry_that_fails_is_noticed_as_a_loss_of_the_store():
    bench = Bench()
    bench.shared.down = True
    await bench.limiter._quietly(bench.limiter.expire())
    assert bench.limiter.degraded
    await bench.limiter._quietly(bench.limiter.expire())
    assert bench.local.expired == 1


async def test_a_store_that_was_away_for_a_moment_is_rebuilt_before_it_admits():
    bench = Bench()
    bench.limiter.lost("the connection broke")
    await bench.admit(ask())
    assert (len(bench.local.asked), len(bench.shared.asked)) == (1, 0)
    await bench.limiter._recover()
    assert bench.shared.restored == [[(BUDGET, 12)]]
    alone = Limiter(bench.local)
    alone.lost("there is none")
    assert not alone.degraded


async def test_a_step_that_may_have_been_taken_is_given_back_when_the_store_answers_again():
    bench = Bench()
    bench.shared.failure = StoreTimeout("late")
    bench.shared.down = True
    await bench.admit(ask())
    bench.shared.down = False
    await bench.limiter._recover()
    assert bench.shared.settled == [Settlement("r1", (BOUND,), 0, 0, b"")]


async def test_what_ends_together_is_settled_in_one_call():
    bench = Bench()
    for number in range(10):
        await bench.admit(ask(f"r{number}"))
    for number in range(10):
        bench.limiter.settle(Settlement(f"r{number}", (BOUND,), 1, 2, b"truth"))
    assert bench.shared.settled == []
    await asyncio.sleep(0.03)
    assert (bench.shared.calls, len(bench.shared.settled)) == (1, 10)


async def test_a_crowd_does_not_wait_for_the_clock_and_nothing_is_left_behind():
    bench = Bench()
    for number in range(100):
        bench.limiter.settle(Settlement(f"r{number}", (BOUND,), 1, 2, b"truth"))
    await asyncio.sleep(0)
    assert (bench.shared.calls, len(bench.shared.settled)) == (1, 64)
    await bench.limiter.aclose()
    assert (bench.shared.calls, len(bench.shared.settled)) == (2, 100)


async def test_a_record_that_can_be_kept_nowhere_does_not_take_others_with_it(caplog):
    bench = Bench()
    kept: list[str] = []

    def keep(made: str, _record: bytes) -> None:
        if made == "r0":
            raise StoreError("the disk is full")
        kept.append(made)

    bench.limiter._keep = keep
    bench.shared.down = True
    for number in range(3):
        bench.limiter.settle(Settlement(f"r{number}", (BOUND,), 1, 2, b"truth"))
    await bench.limiter.aclose()
    assert kept == ["r1", "r2"]
    assert "could not be recorded" in caplog.text
    bench.shared.down = False
    await bench.limiter._recover()
    assert [each.id for each in bench.shared.settled] == ["r0", "r1", "r2"]


async def test_what_a_store_was_told_of_late_is_kept_when_it_fails():
    bench = Bench()
    await bench.admit(ask())
    bench.limiter.settle(Settlement("r1", (BOUND,), 1, 2, b"truth"))
    await bench.limiter.aclose()
    assert (bench.shared.calls, bench.kept) == (1, [])
    bench.limiter.lost("it was killed")
    assert bench.kept == [("r1", b"truth")]


async def test_a_request_of_the_outage_that_ends_after_it_counts_in_the_shared_store_without_a_second_record():
    bench = Bench()
    bench.shared.down = True
    await bench.admit(ask())
    bench.shared.down = False
    await bench.limiter._recover()
    bench.limiter.settle(Settlement("r1", (BOUND,), 1, 2, b"truth"))
    await bench.limiter.aclose()
    assert [each.record for each in bench.local.settled] == [b"truth"]
    assert bench.shared.settled == [Settlement("r1", (BOUND,), 1, 2, b"")]


async def test_what_is_owed_is_paid_before_budgets_are_raised_and_what_ends_meanwhile_waits():
    bench = Bench()
    await bench.admit(ask("owed"))
    bench.shared.down = True
    await bench.admit(ask("local"))
    bench.limiter.settle(Settlement("owed", (BOUND,), 1, 2, b"truth"))
    await bench.limiter.aclose()
    order: list[str] = []

    async def spent():
        order.extend(each.id for each in bench.shared.settled)
        bench.limiter.settle(Settlement("local", (BOUND,), 1, 2, b"truth"))
        order.append(f"{len(bench.local.settled)} settled here")
        return [(BUDGET, 12)]

    bench.limiter._spent = spent
    bench.shared.down = False
    await bench.limiter._recover()
    assert order == ["owed", "0 settled here"]
    assert [each.id for each in bench.local.settled] == ["local"]
    await bench.limiter.aclose()
    assert [each.id for each in bench.shared.settled] == ["owed", "local"]
