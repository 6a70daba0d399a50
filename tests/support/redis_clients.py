"""Clients of the store under test, and how their state is waited for."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from kaigate.store.errors import StoreError
from kaigate.store.redis.client import Redis
from kaigate.store.redis.dial import RedisTls
from kaigate.store.redis.url import RedisUrl


class States(list[tuple[bool, str]]):
    """What the client said about itself."""

    def __call__(self, healthy: bool, reason: str) -> None:
        self.append((healthy, reason))


@contextlib.asynccontextmanager
async def client_of(
    url: str,
    *,
    states: States | None = None,
    tls: RedisTls | None = None,
    timeout_s: float = 0.05,
    max_pending: int = 10_000,
) -> AsyncIterator[Redis]:
    """A started client."""
    client = Redis(RedisUrl.parse(url), timeout_s=timeout_s, tls=tls, max_pending=max_pending, on_state=states)
    await client.start()
    try:
        yield client
    finally:
        await client.aclose()


async def until_healthy(client: Redis, *, within_s: float = 5.0, healthy: bool = True) -> float:
    """Seconds until the breaker is closed, or open."""
    started = time.monotonic()
    async with asyncio.timeout(within_s):
        while client.healthy is not healthy:
            await asyncio.sleep(0.002)
    return time.monotonic() - started


async def failing(client: Redis, *command: bytes | str | int) -> tuple[StoreError, float]:
    """The error of a call that must fail, and the seconds that it took."""
    started = time.perf_counter()
    try:
        await client.command(*command)
    except StoreError as error:
        return error, time.perf_counter() - started
    raise AssertionError("the call did not fail")
