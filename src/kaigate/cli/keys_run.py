"""What the `kaigate keys` commands do and print."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kaigate.cli.keys_open import OPERATOR, key_change, with_service
from kaigate.errors import RequestInvalidError
from kaigate.keys.record import IssuedKey, KeyRecord
from kaigate.keys.repository import KeyQuery
from kaigate.keys.service import MAX_PAGE, KeyService
from kaigate.money import to_usd
from kaigate.pipeline.principal import UNLIMITED, Limits


def create(config: Path | None, name: str, rights: Mapping[str, Any], *, as_json: bool) -> int:
    """Create a key; prints its secret once."""

    async def work(service: KeyService) -> int:
        return _print_issued(await service.create(OPERATOR, name, key_change(rights)), as_json=as_json)

    return with_service(config, work)


def show(config: Path | None, *, team: str | None, include_revoked: bool, as_json: bool) -> int:
    """List keys, by name."""

    async def work(service: KeyService) -> int:
        query = KeyQuery(team=team, include_revoked=include_revoked, limit=MAX_PAGE)
        records = sorted(await _all(service, query), key=lambda record: (record.name, record.key_id))
        if as_json:
            print_json({"keys": [key_data(record) for record in records]})
        else:
            Console().print(_table(records))
        return 0

    return with_service(config, work)


def update(config: Path | None, key: str, name: str | None, rights: Mapping[str, Any], *, as_json: bool) -> int:
    """Change a key."""

    async def work(service: KeyService) -> int:
        found = await _find(service, key)
        record = await service.update(OPERATOR, found.key_id, key_change(rights), name=name)
        return _print_done(record, "changed", as_json=as_json)

    return with_service(config, work)


def rotate(config: Path | None, key: str, overlap_s: float, *, as_json: bool) -> int:
    """Give a key a new secret; prints it once."""

    async def work(service: KeyService) -> int:
        found = await _find(service, key)
        return _print_issued(await service.rotate(OPERATOR, found.key_id, overlap_s), as_json=as_json)

    return with_service(config, work)


def revoke(config: Path | None, key: str, *, as_json: bool) -> int:
    """End a key."""

    async def work(service: KeyService) -> int:
        found = await _find(service, key)
        return _print_done(await service.revoke(OPERATOR, found.key_id), "revoked", as_json=as_json)

    return with_service(config, work)


async def _all(service: KeyService, query: KeyQuery) -> list[KeyRecord]:
    records: list[KeyRecord] = []
    while page := await service.list(OPERATOR, query):
        records.extend(page)
        query = msgspec.structs.replace(query, after=page[-1].key_id)
    return records


async def _find(service: KeyService, key: str) -> KeyRecord:
    named = await service.list(OPERATOR, KeyQuery(name=key, limit=2))
    if len(named) > 1:
        raise RequestInvalidError("invalid_request", f"Several keys are named {key}: give the id of one.")
    return named[0] if named else await service.get(OPERATOR, key)


def _print_issued(issued: IssuedKey, *, as_json: bool) -> int:
    if as_json:
        print_json({**key_data(issued.record), "key": issued.token})
    else:
        record = issued.record
        print(f"{issued.token}\n\nkey {record.key_id} ({record.name}): the secret above is shown this once")
    return 0


def _print_done(record: KeyRecord, done: str, *, as_json: bool) -> int:
    if as_json:
        print_json(key_data(record))
    else:
        print(f"key {record.key_id} ({record.name}) is {done}")
    return 0


def key_data(record: KeyRecord) -> dict[str, Any]:
    """A key for programs: the same fields and forms as in the administration API."""
    rights = record.rights
    data = msgspec.structs.asdict(record) | msgspec.structs.asdict(rights)
    for name in ("rights", "revision"):
        del data[name]
    times = ("created_at", "updated_at", "expires_at", "revoked_at", "last_used_at")
    return {**data, "limits": limits_data(rights.limits), **{name: moment(data[name]) for name in times}}


def limits_data(limits: Limits) -> dict[str, Any]:
    """Limits for programs; null is the configured default, -1 no limit."""
    data = msgspec.structs.asdict(limits)
    budget = data.pop("budget")
    return {**data, "budget_usd": budget if budget is None else "-1" if budget == UNLIMITED else to_usd(budget)}


def _table(records: list[KeyRecord]) -> Table:
    table = Table()
    table.add_column("id", no_wrap=True)
    for column in ("name", "team", "role", "models", "limits", "expires", "last used", "state"):
        table.add_column(column)
    for record in records:
        rights = record.rights
        table.add_row(
            record.key_id,
            record.name,
            rights.team,
            rights.role,
            # A class of a glob, [ab], would be taken for a colour.
            "all" if rights.models is None else escape(", ".join(rights.models)),
            ", ".join(filter(None, (rights.preset, limits_text(rights.limits)))),
            moment(rights.expires_at) or "never",
            moment(record.last_used_at) or "never",
            "revoked" if record.revoked_at is not None else "",
        )
    return table


def limits_text(limits: Limits) -> str:
    """Limits for people, those that are set."""
    data = {name: value for name, value in limits_data(limits).items() if value is not None}
    shown = {name: "none" if value in {UNLIMITED, "-1"} else value for name, value in data.items()}
    return ", ".join(f"{name} {value}" for name, value in shown.items())


def moment(at_ms: int | None) -> str | None:
    """A time in RFC 3339, to the second."""
    if at_ms is None:
        return None
    return datetime.fromtimestamp(at_ms // 1000, UTC).isoformat().replace("+00:00", "Z")


def print_json(data: Any) -> None:
    """One JSON object on one line."""
    print(msgspec.json.encode(data).decode())
