"""Virtual keys: created, listed, changed, rotated, revoked. Only a keyed hash of the secret is kept."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from kaigate.clock import Clock
from kaigate.errors import RequestInvalidError
from kaigate.keys import grants, repository
from kaigate.keys.desk import Change, Desk
from kaigate.keys.hashing import generate_key, key_digest, key_id, keyed_hash
from kaigate.keys.pepper import PepperError, pepper_check
from kaigate.keys.policy import KeyPolicy
from kaigate.keys.record import IssuedKey, KeyChange, KeyRecord, KeyRights
from kaigate.keys.repository import KeyQuery
from kaigate.keys.team_repository import load_team
from kaigate.keys.teams import TeamService
from kaigate.keys.validate import check_name, check_rights
from kaigate.pipeline.principal import Principal
from kaigate.store.sql.engine import Database

DEFAULT_OVERLAP_S: Final = 3600
MAX_OVERLAP_S: Final = 30 * 86_400
MAX_PAGE: Final = 500
_PEPPER_SETTING: Final = "pepper_check"


def _nobody_to_tell() -> None:
    """For programs that end after the change."""


class KeyService:
    """Keys in SQL, and `teams`. Every call names its caller and raises `GatewayError` for what it may not do.

    `StoreError` is raised where the database fails. `changed` is called after every change, so that this process
    needn't wait for its next poll.
    """

    __slots__ = ("_desk", "_pepper", "teams")

    def __init__(
        self,
        db: Database,
        pepper: bytes,
        clock: Clock,
        policy: KeyPolicy | None = None,
        changed: Callable[[], None] = _nobody_to_tell,
    ) -> None:
        self._desk = Desk(db, clock, policy or KeyPolicy(), changed)
        self._pepper = pepper
        self.teams = TeamService(self._desk)

    def use_policy(self, policy: KeyPolicy) -> None:
        """Take the defaults, presets and teams of a new configuration."""
        self._desk.policy = policy

    async def verify_pepper(self, caller: Principal) -> None:
        """Raises `PepperError` where the keys of this database were hashed with another pepper. Call it at start."""
        expected = pepper_check(self._pepper)
        async with self._desk.change(caller) as change:
            known = await repository.setting(change.connection, _PEPPER_SETTING)
            if known == expected:
                return
            if known is not None and await repository.any_hash(change.connection):
                raise PepperError("the keys of this database were made with another pepper: restore it (keys.pepper)")
            await repository.put_setting(change.connection, _PEPPER_SETTING, expected)

    async def create(self, caller: Principal, name: str, wanted: KeyChange) -> IssuedKey:
        """A new key with what is wanted, and with the caller's own rights where nothing is said."""
        check_name(name, "name")
        token = generate_key()
        async with self._desk.change(caller) as change:
            rights = grants.new_rights(change.caller, wanted, self._desk.policy)
            await self._check(change, rights)
            record = KeyRecord(
                key_id=key_id(key_digest(token.encode())),
                name=name,
                rights=rights,
                created_by=caller.key_id,
                created_at=change.now_ms,
                updated_at=change.now_ms,
                revision=change.revision,
            )
            await repository.insert_key(change.connection, record)
            await self._add_hash(change, record.key_id, token)
        return IssuedKey(token, record)

    async def list(self, caller: Principal, query: KeyQuery) -> Sequence[KeyRecord]:
        """Keys that the caller may see."""
        async with self._desk.look(caller) as (connection, rights):
            team = grants.visible_team(rights)
            if team is not None:
                if query.team not in {None, team}:
                    return []
                query = msgspec.structs.replace(query, team=team)
            limit = max(1, min(query.limit, MAX_PAGE))
            return await repository.list_keys(connection, msgspec.structs.replace(query, limit=limit))

    async def get(self, caller: Principal, key_id: str) -> KeyRecord:
        """One key, revoked ones too."""
        async with self._desk.look(caller) as (connection, rights):
            return _visible(await repository.load_key(connection, key_id), rights)

    async def update(self, caller: Principal, key_id: str, wanted: KeyChange, *, name: str | None = None) -> KeyRecord:
        """Change a key's rights or its name."""
        if name is not None:
            check_name(name, "name")
        async with self._desk.change(caller) as change:
            before = await self._load_live(change, key_id)
            rights = grants.changed_rights(change.caller, before.rights, wanted, self._desk.policy)
            await self._check(change, rights)
            return await _save(change, before, rights=rights, name=name or before.name)

    async def rotate(self, caller: Principal, key_id: str, overlap_s: float = DEFAULT_OVERLAP_S) -> IssuedKey:
        """A new secret for a key; the old one works for another `overlap_s` seconds. Limits and usage go on."""
        if not 0 <= overlap_s <= MAX_OVERLAP_S:
            message = f"overlap_seconds: lies between 0 and {MAX_OVERLAP_S}."
            raise RequestInvalidError("invalid_request", message, param="overlap_seconds")
        token = generate_key()
        async with self._desk.change(caller) as change:
            before = await self._load_live(change, key_id)
            grants.may_rotate(change.caller, before.rights, self._desk.policy)
            await repository.forget_hashes(change.connection, key_id, change.now_ms)
            await repository.expire_hashes(change.connection, key_id, change.now_ms + round(overlap_s * 1000))
            await self._add_hash(change, key_id, token)
            return IssuedKey(token, await _save(change, before))

    async def revoke(self, caller: Principal, key_id: str) -> KeyRecord:
        """End a key for ever; revoking it again changes nothing."""
        async with self._desk.change(caller) as change:
            before = _visible(await repository.load_key(change.connection, key_id), change.caller)
            grants.may_revoke(change.caller, before.rights)
            if before.revoked_at is not None:
                return before
            return await _save(change, before, revoked_at=change.now_ms)

    async def _check(self, change: Change, rights: KeyRights) -> None:
        check_rights(rights, self._desk.policy)
        if rights.expires_at is not None and rights.expires_at <= change.now_ms:
            raise RequestInvalidError("invalid_request", "expires_at: lies in the past.", param="expires_at")
        known = not rights.team or rights.team in self._desk.policy.teams
        if not known and await load_team(change.connection, rights.team) is None:
            raise RequestInvalidError("invalid_request", "team: there is no such team; create it first.", param="team")

    async def _load_live(self, change: Change, key_id: str) -> KeyRecord:
        record = _visible(await repository.load_key(change.connection, key_id), change.caller)
        if record.revoked_at is not None:
            raise RequestInvalidError("invalid_request", "This key is revoked; create a new one.")
        return record

    async def _add_hash(self, change: Change, key_id: str, token: str) -> None:
        digest = keyed_hash(self._pepper, token.encode())
        await repository.insert_hash(change.connection, key_id, digest, change.now_ms)


async def _save(change: Change, before: KeyRecord, **fields: object) -> KeyRecord:
    record = msgspec.structs.replace(before, updated_at=change.now_ms, revision=change.revision, **fields)
    await repository.update_key(change.connection, record)
    return record


def _visible(record: KeyRecord | None, caller: KeyRights) -> KeyRecord:
    team = grants.visible_team(caller)
    # One answer for what does not exist and what is another team's.
    if record is None or (team is not None and record.rights.team != team):
        raise RequestInvalidError("route_not_found", "There is no such key.")
    return record
