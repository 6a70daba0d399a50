"""The shared store: counters of all replicas in Valkey or Redis, one script per step."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol

import msgspec

from kaigate.limits.model import Ask, Bound, Settlement, Standing, Verdict
from kaigate.limits.scripts import SCRIPTS, Scripts
from kaigate.store.redis.replies import ErrorReply
from kaigate.store.redis.script import Argument, PreparedCall, Script

# Ids in one call, so that no step blocks the server for long.
RENEWED_AT_ONCE: Final = 200
SETTLED_AT_ONCE: Final = 64
DELIVERED_AT_ONCE: Final = 500
MOST_PREPARED: Final = 4096
_LARGE: Final = 10**15

_pack: Final = msgspec.msgpack.Encoder().encode


class Redis(Protocol):
    """What is needed of a client; every call raises StoreError, in bounded time."""

    def send(self, packed: bytes) -> Awaitable[Any]:
        """The reply to a packed command, which an ErrorReply says was not executed."""
        ...

    def script(self, script: Script, keys: Sequence[bytes | str], args: Sequence[Argument]) -> Awaitable[Any]:
        """The reply of a script."""
        ...

    def command(self, *args: Argument) -> Awaitable[Any]:
        """The reply of a command."""
        ...

    def ping(self) -> Awaitable[float]:
        """Seconds of a round trip."""
        ...


class _Prepared(msgspec.Struct, frozen=True):
    """An admission under certain bounds; `large` where what is left may be told as text."""

    bounds: tuple[Bound, ...]
    call: PreparedCall
    large: bool


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
        self._prepared: dict[int, _Prepared] = {}

    async def admit(self, ask: Ask) -> Verdict:
        """Reserve under all bounds or under none; raises StoreError when the server can't be asked."""
        prepared = self._prepared_for(ask.bounds)
        call = prepared.call
        key = (self._reservation + ask.id).encode()
        numbers = b"%d %d %d " % (ask.tokens, ask.nanodollars, ask.lease_ms)
        if self._now_ms is not None:
            numbers += b"%d" % self._now_ms()
        record = ask.record
        packed = call.pack(len(key), key, len(numbers), numbers, len(record), record)
        try:
            reply = await self._redis.send(packed)
        except ErrorReply:
            # Not executed: the script is unknown there, or its keys are elsewhere.
            args = (numbers, record, call.last)
            reply = await self._redis.script(call.script, (*call.keys, key), args)
        left = reply[2::2]
        if prepared.large:
            left = [int(each) for each in left]
        return Verdict(reply[0], reply[1], tuple(map(Standing, left, reply[3::2])))

    async def settle(self, settlement: Settlement) -> None:
        """Replace one reservation by the truth, as `settle_all` does."""
        await self.settle_all((settlement,))

    async def settle_all(self, settlements: Sequence[Settlement]) -> None:
        """Replace reservations by the truth; one without a record leaves none. Raises StoreError; repeat them then."""
        for start in range(0, len(settlements), SETTLED_AT_ONCE):
            some = settlements[start : start + SETTLED_AT_ONCE]
            lost = await self._settle([_row(each) for each in some])
            if lost:
                # Their reservations went with the server's memory; what was spent counts all the same.
                await self._settle(
                    [(*_row(each), self._spent_under(each.bounds)) for each in some if each.id.encode() in lost]
                )

    async def _settle(self, rows: Sequence[tuple[Any, ...]]) -> list[bytes]:
        args = (self._now(), self._reservation, _pack(rows))
        lost: list[bytes] = await self._redis.script(self._scripts.settle, (self._expiries, self._outbox), args)
        return lost

    def _spent_under(self, bounds: Sequence[Bound]) -> list[str | int]:
        budgets: list[str | int] = []
        for bound in bounds:
            if bound.kind == "budget":
                budgets += (self._key(bound), bound.ends_at_ms)
        return budgets

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

    def _prepared_for(self, bounds: tuple[Bound, ...]) -> "_Prepared":
        """The call that admits under these bounds, packed once for the same tuple."""
        # The tuple is kept, so that no other one can have its id.
        known = self._prepared.get(id(bounds))
        if known is not None and known.bounds is bounds:
            return known
        asked: list[str | int] = []
        for bound in bounds:
            if bound.kind == "budget":
                # As text: Lua's numbers are doubles.
                asked += ("budget", str(bound.limit), bound.ends_at_ms)
            else:
                asked += (bound.kind, bound.limit, bound.window_ms)
        call = PreparedCall(
            self._scripts.admit, (self._expiries, *(self._key(bound) for bound in bounds)), _pack(asked), 2
        )
        if len(self._prepared) >= MOST_PREPARED:
            del self._prepared[next(iter(self._prepared))]
        large = any(bound.kind == "budget" and bound.limit >= _LARGE for bound in bounds)
        prepared = self._prepared[id(bounds)] = _Prepared(bounds, call, large)
        return prepared

    def _now(self) -> Argument:
        return "" if self._now_ms is None else self._now_ms()

    def _key(self, bound: Bound) -> str:
        kind = bound.kind
        if kind == "parallel":
            return self._leases + bound.scope
        if kind == "budget":
            return f"{self._budgets}{bound.window}:{bound.scope}"
        return f"{self._windows[kind]}{bound.window_ms}:{bound.scope}"


def _row(settlement: Settlement) -> tuple[str, str, int, str]:
    """One as the script takes it, whose reader of packed values knows texts but no bytes."""
    return settlement.id, settlement.record.decode(), settlement.tokens, str(settlement.nanodollars)
