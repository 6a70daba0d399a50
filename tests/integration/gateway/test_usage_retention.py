"""How long single requests stay in the ledger is configured; their daily sums stay for good."""

import asyncio

from kaigate.ledger.sql import Window
from support.gateway import running, settings
from support.ledger_db import stored
from support.usage_records import DAY_MS, NOON_MS, usage_record


async def kept(folder, **store) -> tuple[set[str], int]:
    """Which of three records outlive a tidying, and what the ledger says was spent on them."""
    await asyncio.to_thread(folder.mkdir)
    async with running(settings(9, limits={"enabled": True}, store=store), folder) as gateway:
        parts = gateway.stores.parts
        await parts.ledger.store([usage_record(id=f"{age}", at_ms=NOON_MS - age * DAY_MS) for age in (1, 89, 91)])
        await parts.ledger.prune(NOON_MS)
        [spent] = await parts.ledger.spent([Window("key", 0)])
        return set(await stored(parts.database)), spent.nanodollars


async def test_the_days_are_those_of_the_configuration(tmp_path):
    assert await kept(tmp_path / "default") == ({"1", "89"}, 3 * usage_record().nanodollars)
    assert await kept(tmp_path / "short", usage_retention_days=2) == ({"1"}, 3 * usage_record().nanodollars)
