"""Credentials are fetched once for all, renewed before they end, and never stormed for."""

import asyncio
import inspect
from collections.abc import Sequence

import pytest

from kaigate.transport.aws.credentials import AwsCredentials, CredentialsError, Destination
from kaigate.transport.aws.refresh import EARLY_S, LAST_S, RETRY_S, RefreshingCredentials
from tests.support.clocks import ManualClock


class Source:
    """Credentials named by number, good for `life_s`; fails while `broken`."""

    def __init__(self, clock: ManualClock, life_s: float | None = 3600.0) -> None:
        self.clock, self.life_s = clock, life_s
        self.fetches = 0
        self.broken = False
        self.gate = asyncio.Event()
        self.gate.set()

    def destinations(self) -> Sequence[Destination]:
        return (("sts", 443),)

    async def fetch(self) -> AwsCredentials:
        self.fetches += 1
        number = self.fetches
        await self.gate.wait()
        if self.broken:
            raise CredentialsError("the source is broken")
        return AwsCredentials(f"K{number}", "s", None, self.life_s and self.clock.now() + self.life_s)


async def current(store: RefreshingCredentials) -> str:
    found = store.current()
    return (await found if inspect.isawaitable(found) else found).access_key_id


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_all_who_wait_share_one_fetch() -> None:
    clock = ManualClock()
    source = Source(clock)
    source.gate.clear()
    store = RefreshingCredentials(source, clock=clock)
    waiting = [asyncio.ensure_future(current(store)) for _ in range(20)]
    await settled()
    waiting[0].cancel()  # one who gives up takes nothing from the others
    source.gate.set()
    found = await asyncio.gather(*waiting[1:])
    assert (set(found), source.fetches) == ({"K1"}, 1)
    assert store.destinations() == (("sts", 443),)


async def test_fresh_credentials_need_no_waiting() -> None:
    clock = ManualClock()
    store = RefreshingCredentials(Source(clock), clock=clock)
    await current(store)
    assert isinstance(store.current(), AwsCredentials)


async def test_renewal_begins_early_and_nobody_waits_for_it() -> None:
    clock = ManualClock()
    source = Source(clock)
    store = RefreshingCredentials(source, clock=clock, jitter=lambda: 0.0)
    await current(store)
    clock.advance(3600 - EARLY_S - 1)
    assert (await current(store), source.fetches) == ("K1", 1)
    clock.advance(2)
    assert [await current(store) for _ in range(3)] == ["K1"] * 3
    await settled()
    assert (await current(store), source.fetches) == ("K2", 2)


async def test_jitter_spreads_the_renewals() -> None:
    clock = ManualClock()
    source = Source(clock)
    store = RefreshingCredentials(source, clock=clock, jitter=lambda: 1.0)
    await current(store)
    clock.advance(3600 - EARLY_S * 1.1 + 1)
    await current(store)
    await settled()
    assert source.fetches == 2


async def test_a_failed_renewal_is_tried_again_while_the_old_ones_last() -> None:
    clock = ManualClock()
    source = Source(clock)
    store = RefreshingCredentials(source, clock=clock, jitter=lambda: 0.0)
    await current(store)
    source.broken = True
    clock.advance(3600 - EARLY_S + 1)
    for _ in range(10):
        assert await current(store) == "K1"
        await settled()
    assert source.fetches == 2
    clock.advance(RETRY_S + 1)
    source.broken = False
    await current(store)
    await settled()
    assert await current(store) == "K3"


async def test_credentials_near_their_end_are_not_used() -> None:
    clock = ManualClock()
    source = Source(clock)
    store = RefreshingCredentials(source, clock=clock)
    await current(store)
    clock.advance(3600 - LAST_S)
    assert await current(store) == "K2"


async def test_a_failure_is_told_to_all_and_not_repeated_at_once() -> None:
    clock = ManualClock()
    source = Source(clock)
    source.broken = True
    store = RefreshingCredentials(source, clock=clock)
    for _ in range(5):
        with pytest.raises(CredentialsError, match="the source is broken"):
            await current(store)
    assert source.fetches == 1
    clock.advance(3 * RETRY_S)
    source.broken = False
    assert await current(store) == "K2"


async def test_expired_credentials_are_a_failure() -> None:
    clock = ManualClock()
    with pytest.raises(CredentialsError):
        await current(RefreshingCredentials(Source(clock, life_s=LAST_S), clock=clock))


async def test_credentials_without_an_end_stay() -> None:
    clock = ManualClock()
    source = Source(clock, life_s=None)
    store = RefreshingCredentials(source, clock=clock)
    await current(store)
    clock.advance(1e9)
    assert (await current(store), source.fetches) == ("K1", 1)
