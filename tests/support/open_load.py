"""Load from outside that does not wait for answers: requests leave at fixed times, however slow the gateway is."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count


@dataclass(frozen=True)
class Shot:
    """One request: when it was due (`time.perf_counter`), seconds from then to its answer, its status."""

    due: float
    seconds: float
    status: int


@dataclass
class OpenLoad:
    """What has been answered so far."""

    shots: list[Shot] = field(default_factory=list)

    def between(self, start: float, end: float) -> list[Shot]:
        """Requests that were due from `start` until before `end`."""
        return [shot for shot in self.shots if start <= shot.due < end]

    def statuses(self) -> Counter[int]:
        """How many there were of each."""
        return Counter(shot.status for shot in self.shots)


@asynccontextmanager
async def open_load(ask: Callable[[int], Awaitable[int]], rate: float) -> AsyncIterator[OpenLoad]:
    """Call `ask(number)` `rate` times a second until the block ends; all of them are answered then.

    A request that leaves late because this process was busy counts from when it was due: nothing slow is left out.
    """
    load = OpenLoad()
    asked: set[asyncio.Task[None]] = set()

    async def shoot(number: int, due: float) -> None:
        status = await ask(number)
        load.shots.append(Shot(due, time.perf_counter() - due, status))

    async def aim() -> None:
        begun = time.perf_counter()
        for number in count():
            due = begun + number / rate
            await asyncio.sleep(due - time.perf_counter())
            task = asyncio.create_task(shoot(number, due))
            asked.add(task)
            task.add_done_callback(asked.discard)

    aiming = asyncio.create_task(aim())
    try:
        yield load
    finally:
        aiming.cancel()
        await asyncio.gather(aiming, return_exceptions=True)
        await asyncio.gather(*asked)


def quantile_s(shots: Sequence[Shot], share: float) -> float:
    """The latency that this share of the requests did not exceed, by the nearest rank."""
    ranked = sorted(shot.seconds for shot in shots)
    return ranked[max(0, math.ceil(len(ranked) * share) - 1)]
