"""What the `kaigate keys teams` commands do and print."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kaigate.cli.keys_open import OPERATOR, limits_change, with_service
from kaigate.cli.keys_run import limits_data, limits_text, moment, print_json
from kaigate.keys.record import TeamChange, TeamRecord
from kaigate.keys.service import KeyService
from kaigate.keys.teams import MAX_PAGE


def create(config: Path | None, team: str, given: Mapping[str, Any], *, as_json: bool) -> int:
    """Create a team."""

    async def work(service: KeyService) -> int:
        return _done(await service.teams.create(OPERATOR, team, _change(given)), "created", as_json=as_json)

    return with_service(config, work)


def update(config: Path | None, team: str, given: Mapping[str, Any], *, as_json: bool) -> int:
    """Change a team."""

    async def work(service: KeyService) -> int:
        return _done(await service.teams.update(OPERATOR, team, _change(given)), "changed", as_json=as_json)

    return with_service(config, work)


def show(config: Path | None, *, as_json: bool) -> int:
    """List teams."""

    async def work(service: KeyService) -> int:
        records: list[TeamRecord] = []
        while page := await service.teams.list(OPERATOR, after=records[-1].name if records else "", limit=MAX_PAGE):
            records.extend(page)
        if as_json:
            print_json({"teams": [_data(record) for record in records]})
            return 0
        table = Table("team", "description", "limits", "state")
        for record in records:
            state = "" if record.blocked_at is None else "blocked"
            table.add_row(record.name, escape(record.description), limits_text(record.limits), state)
        Console().print(table)
        return 0

    return with_service(config, work)


def delete(config: Path | None, team: str, *, as_json: bool) -> int:
    """Remove a team."""

    async def work(service: KeyService) -> int:
        await service.teams.delete(OPERATOR, team)
        if as_json:
            print_json({"name": team, "deleted": True})
        else:
            print(f"team {team} is deleted")
        return 0

    return with_service(config, work)


def _change(given: Mapping[str, Any]) -> TeamChange:
    description, blocked = given.get("description"), given.get("blocked")
    return TeamChange(
        description=UNSET if description is None else description,
        blocked=UNSET if blocked is None else blocked,
        limits=limits_change(given),
    )


def _done(record: TeamRecord, done: str, *, as_json: bool) -> int:
    if as_json:
        print_json(_data(record))
    else:
        print(f"team {record.name} is {done}")
    return 0


def _data(record: TeamRecord) -> dict[str, Any]:
    data = msgspec.structs.asdict(record)
    del data["revision"]
    times = ("created_at", "updated_at", "blocked_at")
    return {**data, "limits": limits_data(record.limits), **{name: moment(data[name]) for name in times}}
