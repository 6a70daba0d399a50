"""What the atomic step is asked and what it answers; shared by the in-process store and the Lua scripts.

Money is in nano-dollars, durations in milliseconds, all integers.
"""

from collections.abc import Awaitable, Sequence
from typing import Literal, Protocol

import msgspec

from kaigate.store.errors import StoreError as StoreError  # noqa: PLC0414 (what every LimitStore raises)

Kind = Literal["requests", "tokens", "parallel", "budget"]


class Bound(msgspec.Struct, frozen=True, gc=False):
    """One limit in one scope, such as `key:3f…`, `team:ml`, `user:…`, `model:gpt-5`, `provider:openai`.

    `requests` and `tokens` count in a sliding window of `window_ms`: no span of that length admits more than `limit`.
    `parallel` counts leases. `budget` counts nano-dollars in the fixed window named `window` that ends at `ends_at_ms`
    (Unix time); its counter is kept a while longer, for what settles late.
    """

    scope: str
    kind: Kind
    limit: int
    window_ms: int = 60_000
    window: str = ""
    ends_at_ms: int = 0


class Ask(msgspec.Struct, frozen=True):
    """A request that wants in: everything it may use at most.

    `id` is unique and the gateway's own. Without a renewal the reservation expires `lease_ms` after the step and is
    then charged in full; `record` is what the outbox gets in that case. `at_ms` is when it came, in Unix time.
    """

    id: str
    bounds: tuple[Bound, ...]
    tokens: int
    nanodollars: int
    lease_ms: int
    record: bytes
    at_ms: int = 0


class Standing(msgspec.Struct, frozen=True, gc=False):
    """How much of one bound is left after the step, and in how many milliseconds it is whole again."""

    remaining: int
    reset_ms: int


class Verdict(msgspec.Struct, frozen=True):
    """`refused` is the position of the bound that stands in the way, -1 when admitted; a refusal records nothing.

    `retry_after_ms` is the earliest time at which the same request could pass, as far as is known. `standings` are in
    the order of the bounds.
    """

    refused: int
    retry_after_ms: int
    standings: tuple[Standing, ...]


class Settlement(msgspec.Struct, frozen=True):
    """What an admitted request really used, under the bounds it was admitted by.

    Its leases end, tokens and money are corrected to the truth, and `record` goes to the outbox, in one step. Settling
    twice changes nothing. One that comes after its reservation expired corrects what the expiry charged.
    """

    id: str
    bounds: tuple[Bound, ...]
    tokens: int
    nanodollars: int
    record: bytes


class LimitStore(Protocol):
    """Where windows, leases and budgets are counted. Every call raises `StoreError` when it fails, in bounded time."""

    def admit(self, ask: Ask) -> Verdict | Awaitable[Verdict]:
        """Check all bounds and reserve under all of them, or under none."""
        ...

    async def settle(self, settlement: Settlement) -> None:
        """Replace a reservation by the truth."""
        ...

    async def settle_all(self, settlements: Sequence[Settlement]) -> None:
        """The same for many, in one step or in several; those before one that fails may be settled."""
        ...

    async def renew(self, ids: Sequence[str], lease_ms: int) -> None:
        """Keep reservations alive for another `lease_ms`; unknown ids are ignored."""
        ...

    async def expire(self, batch: int) -> int:
        """Charge up to `batch` reservations that were not renewed in time; how many there were."""
        ...

    async def outbox(self, batch: int) -> list[tuple[str, bytes]]:
        """Up to `batch` entries that are not yet delivered, oldest first, with their ids in the outbox.

        An entry is one record or several, one a line.
        """
        ...

    async def delivered(self, ids: Sequence[str]) -> None:
        """Forget records of the outbox that SQL holds now."""
        ...

    async def restore(self, spent: Sequence[tuple[Bound, int]]) -> None:
        """Raise budget counters to what the ledger knows, in nano-dollars; never lower one."""
        ...

    async def ping(self) -> float:
        """Seconds of a real round trip."""
        ...


class LocalStore(LimitStore, Protocol):
    """A store of this process, which needs no wait."""

    def settle_now(self, settlement: Settlement) -> None:
        """Replace a reservation by the truth."""
        ...
