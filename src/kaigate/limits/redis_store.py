"""The shared store: counters of all replicas in Valkey or Redis, one script per step."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final, Protocol

import msgspec

from kaigate.limits.model import Ask, Bound, Settlement, Standing, Verdict
from kaigate.limits.scripts import SCRIPTS, Scripts
from kaigate.limits.verdicts import PARALLEL_RETRY_MS
from kaigate.store.redis.script import Script

# Ids in one call, so that no step blocks the server for long.
RENEWED_AT_ONCE: Final = 200
DELIVERED_AT_ONCE: Final = 500

Argument = bytes | str | int
_pack: Final = msgspec.msgpack.Encoder().encode


class Redis(Protocol):
    """What is needed of a client; every call raises StoreError, in bounded time."""

    def script(self, script: Script, keys: Sequence[bytes | str], args: Sequence[Argument]) -> Awaitable[Any]:
        """The reply of a script."""
        ...

    def command(self, *args: Argument) -> Awaitable[Any]:
        """The reply of a command."""
        ...

    def ping(self) -> Awaitable[float]:
        """Seconds of a round trip."""
        ...


class RedisStore:
    """The twin of `MemoryStore` for many replicas. All keys begin with `{prefix}:`: one slot of a cluster.

    Time is the server's, unless `now_ms` gives another in tests. Counters expire by themselves when they no longer
    matter; the outbox and what is in it never does. The server must not evict keys (`maxmemory-policy noeviction`);
    a full one refuses new requests and still takes settlements.
    """

    def __init__(
        self, redis: Redis, prefix: str, *, now_ms: Callable[[], int] | None = None, scripts: Scripts = SCRIPTS
    ) -> None:
        self._redis = redis
        self._scripts = scripts
        self._now_ms = now_ms
        tag = f"{{{prefix}}}:"
        self._expiries = tag + "expiries"
        self._outbox = tag + "outbox"
        self._reservation = tag + "r:"
        self._windows = {"requests": tag + "w:r:", "tokens": tag + "w:t:"}
        self._leases = tag + "l:"
        self._budgets = tag + "b:"

    async def admit(self, ask: Ask) -> Verdict:
        """Reserve under all bounds or under none; raises StoreError when the server can't be asked."""
        keys: list[bytes | str] = [self._expiries, self._reservation + ask.id]
        asked: list[str | int] = [ask.tokens, str(ask.nanodollars), ask.lease_ms]
        for bound in ask.bounds:
            keys.append(self._key(bound))
            if bound.kind == "budget":
                # As text: Lua's numbers are doubles.
                asked += ("budget", str(bound.limit), bound.ends_at_ms)
            else:
                asked += (bound.kind, bound.limit, bound.window_ms)
        args = (self._now(), ask.id, ask.record, _pack(asked))
        reply = await self._redis.script(self._scripts.admit, keys, args)
        return Verdict(reply[0], reply[1], tuple(_standings(ask, reply)))

    async def settle(self, settlement: Settlement) -> None:
        """Replace a reservation by the truth; one without a record leaves none. Raises StoreError; repeat it then."""
        keys: list[bytes | str] = [self._expiries, self._reservation + settlement.id, self._outbox]
        truth: list[str | int] = [settlement.tokens, str(settlement.nanodollars)]
        for bound in settlement.bounds:
            keys.append(self._key(bound))
            truth += (bound.kind, bound.ends_at_ms if bound.kind == "budget" else bound.window_ms)
        args = (self._now(), settlement.id, settlement.record, _pack(truth))
        await self._redis.script(self._scripts.settle, keys, args)

    async def renew(self, ids: Sequence[str], lease_ms: int) -> None:
        """Prolong open reservations, also one that lapsed but was not charged yet."""
        for start in range(0, len(ids), RENEWED_AT_ONCE):
            some = ids[start : start + RENEWED_AT_ONCE]
            args = (self._now(), self._reservation, lease_ms, *some)
            await self._redis.script(self._scripts.renew, (self._expiries,), args)

    async def expire(self, batch: int) -> int:
        """Charge reservations that were not renewed in time, first those that lapsed first."""
        args = (self._now(), self._reservation, batch)
        charged: int = await self._redis.script(self._scripts.expire, (self._expiries, self._outbox), args)
        return charged

    async def outbox(self, batch: int) -> list[tuple[str, bytes]]:
        """Undelivered records; several gateways may be given the same ones."""
        entries = await self._redis.command("XRANGE", self._outbox, "-", "+", "COUNT", batch)
        return [(name.decode(), fields[1]) for name, fields in entries]

    async def delivered(self, ids: Sequence[str]) -> None:
        """Forget records of the outbox."""
        for start in range(0, len(ids), DELIVERED_AT_ONCE):
            await self._redis.command("XDEL", self._outbox, *ids[start : start + DELIVERED_AT_ONCE])

    async def restore(self, spent: Sequence[tuple[Bound, int]]) -> None:
        """Raise budgets to what the ledger knows."""
        for start in range(0, len(spent), RENEWED_AT_ONCE):
            some = spent[start : start + RENEWED_AT_ONCE]
            args: list[Argument] = [self._now()]
            for bound, nanodollars in some:
                args += (nanodollars, bound.ends_at_ms)
            await self._redis.script(self._scripts.restore, [self._key(bound) for bound, _ in some], args)

    async def ping(self) -> float:
        """Seconds of a round trip to the server."""
        return await self._redis.ping()

    def _now(self) -> Argument:
        return "" if self._now_ms is None else self._now_ms()

    def _key(self, bound: Bound) -> str:
        kind = bound.kind
        if kind == "parallel":
            return self._leases + bound.scope
        if kind == "budget":
            return f"{self._budgets}{bound.window}:{bound.scope}"
        return f"{self._windows[kind]}{bound.window_ms}:{bound.scope}"


def _standings(ask: Ask, reply: list[Any]) -> Iterator[Standing]:
    """Of each bound, from what `admit.lua` answers; one flat loop, because it runs for every request."""
    admitted, now_ms, place = reply[0] < 0, reply[2], 3
    for bound in ask.bounds:
        used, newest_ms = reply[place], reply[place + 1]
        place += 2
        if bound.kind == "budget":
            used = int(used) + int(newest_ms) + (ask.nanodollars if admitted else 0)
            whole_in_ms = bound.ends_at_ms - now_ms
        elif bound.kind == "parallel":
            used += admitted
            whole_in_ms = PARALLEL_RETRY_MS if used else 0
        else:
            whole_in_ms = newest_ms + bound.window_ms - now_ms
        yield Standing(max(0, bound.limit - used), max(0, whole_in_ms))
