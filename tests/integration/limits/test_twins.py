"""Both stores against the oracle, on the same random schedules."""

import random

from kaigate.limits.journal import MemoryJournal
from kaigate.limits.memory import MemoryStore
from support.limit_oracle import HeldClock, LimitOracle, run, schedule

SCHEDULES = 300


async def test_both_stores_agree_with_the_oracle(shared):
    for seed in range(SCHEDULES):
        steps = schedule(random.Random(seed), 40)
        clock, other = HeldClock(), HeldClock()
        memory, redis = MemoryStore(clock, MemoryJournal()), shared(other, chunk_entries=1 + seed % 4)
        oracle = LimitOracle(HeldClock())
        expected = await run(oracle, oracle.clock, steps)
        assert await run(redis, other, steps) == expected, seed
        assert await run(memory, clock, steps) == expected, seed
        for store in (memory, redis):
            assert [record for _, record in await store.outbox(1000)] == oracle.records, seed
