from datetime import UTC, datetime

import pytest

from kaigate.app.rebuild import spent_budgets
from kaigate.config.models import LimitSettings, LimitsSettings
from kaigate.ledger.record import UsageRecord
from kaigate.ledger.sql import Ledger
from kaigate.limits.bounds import bounds_for
from kaigate.pipeline.principal import Limits, Principal
from support.ledger_db import migrated, usage_database


def ms(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000)


NOW = ms("2026-11-18T12:00:00")


def record(made: str, day: str, nanodollars: int) -> UsageRecord:
    return UsageRecord(made, ms(day), "r", "k1", "ml", "ann", "m", "up", "chat", "ok", nanodollars, 1, 1)


@pytest.fixture(scope="module")
def url():
    return migrated("sqlite")


@pytest.fixture
async def ledger(url):
    async with usage_database(url) as db:
        yield await filled(Ledger(db))


async def filled(made: Ledger) -> Ledger:
    days = {"today": "2026-11-18T01:00:00", "week": "2026-11-16T23:00:00", "month": "2026-11-01T00:00:00"}
    await made.store([record(name, day, 10**place) for place, (name, day) in enumerate(days.items())])
    await made.store([record("before", "2026-10-31T23:59:59", 10**9)])
    return made


@pytest.mark.parametrize(("window", "spent"), [("day", 1), ("week", 11), ("month", 111)])
async def test_the_budgets_of_every_scope_are_what_their_open_windows_hold(ledger, window, spent):
    budget = LimitSettings(budget_usd=5.0, budget_window=window)
    settings = LimitsSettings(teams={"ml": budget}, users=budget, models={"m": budget}, providers={"up": budget})
    caller = Principal("k1", "k", team="ml", limits=Limits(budget=5, budget_window=window))
    wanted = {
        (bound.scope, bound.window, bound.ends_at_ms)
        for bound in bounds_for(settings, caller, "ann", "m", "up", NOW)
        if bound.kind == "budget"
    }
    assert len(wanted) == 5
    found = {
        (bound.scope, bound.window, bound.ends_at_ms): nanodollars
        for bound, nanodollars in await spent_budgets(ledger, settings, (), NOW)
    }
    assert {found[place] for place in wanted} == {spent}


async def test_windows_that_only_a_key_has_are_restored_too(ledger):
    found = await spent_budgets(ledger, LimitsSettings(), ["90d"], NOW)
    assert any(bound.window.startswith("90d-") and bound.scope == "key:k1" for bound, _ in found)
    assert not any(
        bound.window.startswith("90d-") for bound, _ in await spent_budgets(ledger, LimitsSettings(), [], NOW)
    )
