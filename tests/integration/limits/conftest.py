"""A real Valkey or Redis, and a store of either make under a clock that stands still."""

import inspect
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import pytest

from kaigate.limits.journal import MemoryJournal
from kaigate.limits.memory import MemoryStore
from kaigate.limits.model import Ask, LimitStore, Verdict
from kaigate.limits.redis_store import RedisStore
from kaigate.limits.scripts import CHUNK_ENTRIES, Scripts
from kaigate.store.redis.client import Redis
from kaigate.store.redis.url import RedisUrl
from support.limit_oracle import HeldClock
from support.redis_servers import Make
from support.valkey import ValkeyNode, running_valkey

_prefixes = itertools.count()
_scripts = {entries: Scripts(entries) for entries in (1, 2, 3, 4, CHUNK_ENTRIES)}


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory, make: Make) -> Iterator[ValkeyNode]:
    with running_valkey(tmp_path_factory.mktemp("valkey"), make=make) as node:
        yield node


@pytest.fixture
async def redis(valkey: ValkeyNode) -> AsyncIterator[Redis]:
    client = Redis(RedisUrl.parse(valkey.url), timeout_s=5)
    await client.start()
    try:
        yield client
    finally:
        await client.aclose()


@pytest.fixture
def shared(redis: Redis) -> Callable[..., RedisStore]:
    """Makes stores, each with counters of its own; chunks are small so that windows have several."""

    def make(clock: HeldClock | None, prefix: str | None = None, chunk_entries: int = 3) -> RedisStore:
        now_ms = (lambda: clock.now_ms) if clock is not None else None
        return RedisStore(redis, prefix or f"kaigate-{next(_prefixes)}", now_ms=now_ms, scripts=_scripts[chunk_entries])

    return make


@dataclass
class Held:
    """A store and its clock."""

    store: LimitStore
    clock: HeldClock

    async def admit(self, ask: Ask) -> Verdict:
        verdict = self.store.admit(ask)
        return await verdict if inspect.isawaitable(verdict) else verdict

    async def records(self) -> list[bytes]:
        return [record for _, record in await self.store.outbox(1000)]


@pytest.fixture(params=["memory", "redis"])
def held(request: pytest.FixtureRequest, shared: Callable[..., RedisStore]) -> Held:
    clock = HeldClock()
    store = MemoryStore(clock, MemoryJournal()) if request.param == "memory" else shared(clock)
    return Held(store, clock)
