"""Virtual keys on the hot path: known ones without waiting, unknown ones in batches, changes within a second."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from kaigate.clock import Clock
from kaigate.errors import UnavailableError
from kaigate.keys import repository
from kaigate.keys.entries import NEGATIVE_S, Entries, Entry
from kaigate.keys.hashing import KEY_LENGTH, is_virtual, keyed_hash
from kaigate.keys.policy import KeyPolicy
from kaigate.keys.team_repository import teams_since
from kaigate.pipeline.principal import Principal
from kaigate.store.errors import StoreError
from kaigate.store.sql.engine import Database

log = logging.getLogger("kaigate.keys")

POLL_S: Final = 1.0
CAPACITY: Final = 50_000
MAX_WAITING: Final = 1000
_BATCH: Final = 200
_PAGE: Final = 1000
# A second query for unknown keys follows the first after this long: invented keys cost SQL no more than that.
_BATCH_GAP_S: Final = 0.01
_QUERY_S: Final = 2.0
_USE_S: Final = 30.0
_USE_PART: Final = 500


class KeyDirectory:
    """One task asks the database, for unknown keys and for changes in turn, never both at once: a key that was read
    before a change was seen is thus always older than that change, and the change reaches it.

    While the database is away, known keys go on working and unknown ones are refused as unavailable.
    `on_state(degraded)` is called when that begins and ends.
    """

    def __init__(
        self,
        db: Database,
        pepper: bytes,
        clock: Clock,
        policy: KeyPolicy | None = None,
        *,
        capacity: int = CAPACITY,
        poll_s: float = POLL_S,
        on_state: Callable[[bool], None] | None = None,
    ) -> None:
        self._db = db
        self._pepper = pepper
        self._now = clock.now
        self._capacity = capacity
        self._poll_s = poll_s
        self._on_state = on_state
        self._entries = Entries(policy or KeyPolicy(), capacity)
        self._known = self._entries.known
        # Hash -> who waits for it; each is asked for once, however many requests present it.
        self._waiting: dict[bytes, asyncio.Future[bool]] = {}
        self._used: dict[str, float] = {}
        self._revision = 0
        self._team_revision = 0
        self._wake = asyncio.Event()
        self._degraded = False
        self._loaded = False
        self._poll_now = False
        self._task: asyncio.Task[None] | None = None

    @property
    def degraded(self) -> bool:
        """Whether the database did not answer the last time."""
        return self._degraded

    async def start(self) -> None:
        """Load the keys that changed last and watch for changes. Without a database it starts empty and degraded."""
        try:
            await self._poll()
        except StoreError as error:
            self._set_degraded(True, error)
        self._task = asyncio.create_task(self._run(), name="key directory")

    async def aclose(self) -> None:
        """Stop watching; write when keys were last used."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._answer_all()
        while self._used and await self._record_use():
            pass

    def changed(self) -> None:
        """This process has just changed a key: look at once."""
        self._poll_now = True
        self._wake.set()

    def use_policy(self, policy: KeyPolicy) -> None:
        """Take the presets and teams of a new configuration."""
        self._entries.use_policy(policy)

    def in_team(self, caller: Principal) -> Principal | None:
        """A caller that has no virtual key, under the limits of its team; None while that team is blocked."""
        return self._entries.in_team(caller)

    def lookup(self, token: bytes, address: str = "") -> Principal | Awaitable[Principal | None] | None:
        """The caller behind a virtual key that comes from `address`, or None. An awaitable only for an unknown key,
        which raises `UnavailableError` while the database is away. Anything that is no virtual key is None at once.
        """
        if len(token) != KEY_LENGTH:
            return None
        digest = keyed_hash(self._pepper, token)
        entry = self._known.get(digest)
        if entry is not None:
            return self._admitted(entry, digest, address)
        # The rest of the shape is looked at before a query, and needn't be for a key that is known.
        if not is_virtual(token) or self._entries.is_absent(digest, self._now()):
            return None
        return self._find(digest, address)

    def _admitted(self, entry: Entry, digest: bytes, address: str) -> Principal | None:
        now = self._now()
        if now >= entry.until or (entry.networks is not None and not entry.admits(address)):
            return None
        principal = entry.principal
        if principal is not None:
            self._used[principal.key_id] = now
            self._known.move_to_end(digest)
        return principal

    async def _find(self, digest: bytes, address: str) -> Principal | None:
        waiting = self._waiting.get(digest)
        if waiting is None:
            if self._degraded or self._task is None or len(self._waiting) >= MAX_WAITING:
                raise _unavailable()
            waiting = self._waiting[digest] = asyncio.get_running_loop().create_future()
            self._wake.set()
        # Shielded: one client that leaves doesn't take the answer from the others.
        if not await asyncio.shield(waiting):
            raise _unavailable()
        entry = self._known.get(digest)
        return None if entry is None else self._admitted(entry, digest, address)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        next_poll, next_use = loop.time() + self._poll_s, loop.time() + _USE_S
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(next_poll):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._load_waiting()
                if self._poll_now or loop.time() >= next_poll:
                    self._poll_now = False
                    next_poll = loop.time() + self._poll_s
                    await self._poll()
                    # A part at each poll: a revocation must not wait behind thousands of time stamps.
                    if self._used and loop.time() >= next_use and not (await self._record_use() and self._used):
                        next_use = loop.time() + _USE_S
            except StoreError as error:
                self._set_degraded(True, error)
                self._answer_all()
            except Exception:
                # Without this task no revocation would arrive: it goes on, and unknown keys are refused meanwhile.
                log.exception("keys: the look-up failed in an unexpected way")
                self._set_degraded(True)
                self._answer_all()

    async def _load_waiting(self) -> None:
        """Ask for the hashes that are waited for; one query at a time, and not one after the other without a rest."""
        batch = [digest for digest, _ in zip(self._waiting, range(_BATCH), strict=False)]
        if not batch:
            return
        async with self._db.connect(timeout_s=_QUERY_S) as connection:
            found = {known.hash: known for known in await repository.known_by_hash(connection, batch)}
        absent_until = self._now() + NEGATIVE_S
        for digest in batch:
            known = found.get(digest)
            if known is None:
                self._entries.put_absent(digest, absent_until)
            else:
                self._entries.put(known)
            self._answer(digest, answered=True)
        if self._waiting:
            await asyncio.sleep(_BATCH_GAP_S)
            self._wake.set()

    async def _poll(self) -> None:
        async with self._db.connect(timeout_s=_QUERY_S) as connection:
            while teams := await teams_since(connection, self._team_revision, _PAGE):
                for team in teams:
                    self._entries.put_team(team)
                self._team_revision = teams[-1].revision
            if not self._loaded:
                # Read before the keys: what changes meanwhile is read again rather than missed.
                revision = await repository.last_revision(connection)
                # The newest one last: it is the last to give way.
                self._take((await repository.newest_known(connection, self._capacity))[::-1])
                self._revision, self._loaded = revision, True
            while changed := await repository.known_since(connection, self._revision, _PAGE):
                self._take(changed)
                self._revision = changed[-1].revision
        self._set_degraded(False)

    def _take(self, changes: list[repository.Known]) -> None:
        for key_id in {known.key_id for known in changes}:
            self._entries.forget_key(key_id)
        for known in changes:
            self._entries.put(known)

    async def _record_use(self) -> bool:
        """Write a part of the times of use; whether that worked. They are a help, and no reason to refuse anything."""
        part = {key_id: self._used[key_id] for key_id, _ in zip(sorted(self._used), range(_USE_PART), strict=False)}
        try:
            async with self._db.begin(timeout_s=_QUERY_S) as connection:
                await repository.record_use(connection, {key_id: int(at * 1000) for key_id, at in part.items()})
        except StoreError:
            return False
        for key_id, at in part.items():
            if self._used.get(key_id) == at:
                del self._used[key_id]
        return True

    def _answer_all(self) -> None:
        for digest in tuple(self._waiting):
            self._answer(digest, answered=False)

    def _answer(self, digest: bytes, *, answered: bool) -> None:
        waiting = self._waiting.pop(digest)
        if not waiting.done():
            waiting.set_result(answered)

    def _set_degraded(self, degraded: bool, error: StoreError | str = "unexpected") -> None:
        if degraded == self._degraded:
            return
        self._degraded = degraded
        if degraded:
            log.warning("keys: %s; known keys go on working, unknown ones are refused", error)
        else:
            log.info("keys: the database answers again")
        if self._on_state is not None:
            self._on_state(degraded)


def _unavailable() -> UnavailableError:
    return UnavailableError("store_unavailable", "This key can't be looked up now. Try again.", retry_after=1)
