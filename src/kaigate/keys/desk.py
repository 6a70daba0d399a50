"""What every change goes through: one transaction, changes in a line, the caller's rights of this moment."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from kaigate.clock import Clock
from kaigate.errors import AccessDeniedError
from kaigate.keys import repository
from kaigate.keys.policy import KeyPolicy
from kaigate.keys.record import KeyRights, rights_of
from kaigate.keys.team_repository import load_team
from kaigate.pipeline.principal import Principal
from kaigate.store.sql.engine import Database


class Change(msgspec.Struct, frozen=True):
    """A transaction that changes keys or teams: its revision, its time in Unix milliseconds, who makes it."""

    connection: AsyncConnection
    revision: int
    now_ms: int
    caller: KeyRights


class Desk:
    """The database with what changes need: the policy of the configuration in force, and whom to tell."""

    __slots__ = ("_clock", "_db", "changed", "policy")

    def __init__(self, db: Database, clock: Clock, policy: KeyPolicy, changed: Callable[[], None]) -> None:
        self._db = db
        self._clock = clock
        self.policy = policy
        self.changed = changed

    @asynccontextmanager
    async def change(self, caller: Principal) -> AsyncIterator[Change]:
        """A change by `caller`; raises `AccessDeniedError` where its key has ended, `StoreError` without a database."""
        async with self._db.begin() as connection:
            # First of all: whoever comes second waits here, and then sees what the first one did.
            revision = await repository.next_revision(connection)
            now_ms = self.now_ms()
            rights = await present_rights(connection, caller, now_ms)
            yield Change(connection, revision, now_ms, rights)
        self.changed()

    @asynccontextmanager
    async def look(self, caller: Principal) -> AsyncIterator[tuple[AsyncConnection, KeyRights]]:
        """A reading transaction and the caller's present rights."""
        async with self._db.connect() as connection:
            yield connection, await present_rights(connection, caller, self.now_ms())

    def now_ms(self) -> int:
        """Unix time in milliseconds."""
        return int(self._clock.now() * 1000)


async def present_rights(connection: AsyncConnection, caller: Principal, now_ms: int) -> KeyRights:
    """The caller's rights as the database has them now: a look-up that is a second old may be out of date.

    The master key, keys of the configuration and tokens are not in the database and keep the rights they came with,
    while their team is not blocked.
    """
    record = None if caller.master else await repository.load_key(connection, caller.key_id)
    rights = rights_of(caller) if record is None else record.rights
    ended = record is not None and (
        record.revoked_at is not None or (rights.expires_at is not None and rights.expires_at <= now_ms)
    )
    team = await load_team(connection, rights.team) if rights.team else None
    if ended or (team is not None and team.blocked_at is not None):
        raise AccessDeniedError("invalid_api_key", "This API key is not valid any more.")
    return rights
