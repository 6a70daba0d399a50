"""Teams: limits that their keys share, and a switch that stops all of them."""

from collections.abc import Sequence
from typing import Final

import msgspec

from kaigate.errors import RequestInvalidError
from kaigate.keys import grants, team_repository
from kaigate.keys.desk import Desk
from kaigate.keys.record import KeyRights, TeamChange, TeamRecord, changed
from kaigate.keys.validate import check_limits, check_name, check_text
from kaigate.pipeline.principal import Limits, Principal

MAX_PAGE: Final = 500


class TeamService:
    """Teams in SQL. Administrators change them; a team's own people may look. Raises `GatewayError`, `StoreError`."""

    __slots__ = ("_desk",)

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def create(self, caller: Principal, name: str, wanted: TeamChange) -> TeamRecord:
        """A new team."""
        check_name(name, "name")
        async with self._desk.change(caller) as change:
            grants.may_govern(change.caller)
            if await team_repository.load_team(change.connection, name) is not None:
                raise RequestInvalidError("invalid_request", "name: there is a team of this name.", param="name")
            blank = TeamRecord(name, "", Limits(), caller.key_id, change.now_ms, change.now_ms, change.revision)
            record = _changed(blank, wanted, change.now_ms, change.revision)
            await team_repository.insert_team(change.connection, record)
        return record

    async def list(self, caller: Principal, *, after: str = "", limit: int = 100) -> Sequence[TeamRecord]:
        """Teams that the caller may see, in the order of their names, those after `after`."""
        async with self._desk.look(caller) as (connection, rights):
            own = grants.visible_team(rights)
            if own is None:
                return await team_repository.list_teams(connection, after, max(1, min(limit, MAX_PAGE)))
            record = await team_repository.load_team(connection, own) if own > after else None
            return [] if record is None else [record]

    async def get(self, caller: Principal, name: str) -> TeamRecord:
        """One team."""
        async with self._desk.look(caller) as (connection, rights):
            return _visible(await team_repository.load_team(connection, name), rights)

    async def update(self, caller: Principal, name: str, wanted: TeamChange) -> TeamRecord:
        """Change a team's limits or description, block it or let it go on."""
        async with self._desk.change(caller) as change:
            grants.may_govern(change.caller)
            before = _visible(await team_repository.load_team(change.connection, name), change.caller)
            record = _changed(before, wanted, change.now_ms, change.revision)
            await team_repository.update_team(change.connection, record)
        return record

    async def delete(self, caller: Principal, name: str) -> None:
        """Remove a team that never had a key; one that has any is blocked instead, so that its usage keeps a name."""
        async with self._desk.change(caller) as change:
            grants.may_govern(change.caller)
            _visible(await team_repository.load_team(change.connection, name), change.caller)
            if await team_repository.has_keys(change.connection, name):
                raise RequestInvalidError("invalid_request", "This team has keys: block it instead.")
            await team_repository.delete_team(change.connection, name)


def _changed(before: TeamRecord, wanted: TeamChange, now_ms: int, revision: int) -> TeamRecord:
    blocked_at = before.blocked_at
    if isinstance(wanted.blocked, bool):
        blocked_at = (blocked_at or now_ms) if wanted.blocked else None
    description = wanted.description if isinstance(wanted.description, str) else before.description
    limits = changed(before.limits, wanted.limits)
    check_text(description, "description")
    check_limits(limits)
    return msgspec.structs.replace(
        before, description=description, limits=limits, blocked_at=blocked_at, updated_at=now_ms, revision=revision
    )


def _visible(record: TeamRecord | None, caller: KeyRights) -> TeamRecord:
    own = grants.visible_team(caller)
    if record is None or (own is not None and record.name != own):
        raise RequestInvalidError("route_not_found", "There is no such team.")
    return record
