"""The ledger over SQLite and PostgreSQL: every request once, sums exact, whatever is delivered in which order."""

import asyncio
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from kaigate.ledger.record import UsageRecord
from kaigate.ledger.sql import Ledger, Spent, Window
from kaigate.store.sql.usage_tables import usage_dead_letters
from support.ledger_db import DIALECTS, clear, daily, migrated, recounted, stored, usage_database
from support.usage_records import DAY_MS, NOON_MS, usage_record

MIDNIGHT_MS = NOON_MS - DAY_MS // 2


@pytest.fixture(scope="module", params=DIALECTS)
def url(request):
    return migrated(request.param)


@pytest.fixture
async def db(url):
    async with usage_database(url) as made:
        yield made


async def test_a_record_is_kept_as_it_came(db):
    records = [
        usage_record(id="a", user="ann 'O\"Neil\\", cached_tokens=3),
        usage_record(id="b", estimated=True, model="modèle/😀", team=""),
        usage_record(id="c", nanodollars=10**15, input_tokens=10**12),
    ]
    await Ledger(db).store(records)
    assert await stored(db) == {record.id: record for record in records}
    assert await daily(db) == recounted(records)


async def test_repetition_changes_nothing(db):
    ledger = Ledger(db)
    for _ in range(3):
        await ledger.store([usage_record(), usage_record(), usage_record(id="r2")])
    assert await daily(db) == recounted([usage_record(), usage_record(id="r2")])


async def test_the_truth_replaces_an_estimate_and_never_the_other_way(db):
    ledger = Ledger(db)
    guess = usage_record(estimated=True, nanodollars=9, provider="", at_ms=NOON_MS - DAY_MS)
    await ledger.store([guess])
    assert await stored(db) == {"r1": guess}
    await ledger.store([usage_record()])
    await ledger.store([guess])
    assert await stored(db) == {"r1": usage_record()}
    assert await daily(db) == recounted([usage_record()])


async def test_the_first_of_two_estimates_stays(db):
    ledger = Ledger(db)
    guess = usage_record(estimated=True, nanodollars=9)
    await ledger.store([guess])
    await ledger.store([usage_record(estimated=True, nanodollars=10)])
    assert await stored(db) == {"r1": guess}
    assert await daily(db) == recounted([guess])


async def test_both_in_one_delivery(db):
    guess = usage_record(estimated=True, nanodollars=9)
    await Ledger(db).store([guess, usage_record(), guess])
    assert await stored(db) == {"r1": usage_record()}


async def test_more_than_one_transaction_holds(db):
    records = [usage_record(id=f"r{number}", nanodollars=number) for number in range(2_500)]
    await Ledger(db).store(records)
    (sums,) = (await daily(db)).values()
    assert (sums.requests, sums.nanodollars) == (2_500, 2_499 * 1_250)


async def test_no_records_are_no_work(db):
    await Ledger(db).store([])
    assert await daily(db) == {}


PLACES = st.fixed_dictionaries(
    {
        "key_id": st.sampled_from(["k1", "k2"]),
        "provider": st.sampled_from(["openai", "ollama"]),
        "at_ms": st.sampled_from([MIDNIGHT_MS - 1, MIDNIGHT_MS, NOON_MS]),
        "nanodollars": st.integers(0, 10**15),
        "outcome": st.sampled_from(["ok", "failed", "blocked", "gone"]),
        "estimated": st.booleans(),
    }
)


@st.composite
def deliveries(draw):
    """Batches with every version of some requests, in any order and repetition."""
    versions: list[UsageRecord] = []
    for number in range(draw(st.integers(1, 5))):
        fields = draw(PLACES)
        truth = usage_record(id=f"r{number}", **fields)
        versions.append(truth)
        if not truth.estimated and draw(st.booleans()):
            guess = {**fields, **draw(PLACES), "estimated": True}
            versions.append(usage_record(id=f"r{number}", **guess))
    order = draw(st.permutations(versions)) + draw(st.lists(st.sampled_from(versions), max_size=6))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=4)))
    return [order[start:end] for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]


def final(batches):
    """What has to be there in the end: a true record where one came, else the first estimate."""
    kept: dict[str, UsageRecord] = {}
    for record in (record for batch in batches for record in batch):
        if record.id not in kept or (kept[record.id].estimated and not record.estimated):
            kept[record.id] = record
    return kept


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=deliveries())
async def test_any_order_and_repetition_gives_the_same_ledger(db, batches):
    await clear(db)
    ledger = Ledger(db)
    for batch in batches:
        await ledger.store(batch)
    kept = final(batches)
    assert await stored(db) == kept
    assert await daily(db) == recounted(list(kept.values()))


async def test_gateways_that_store_the_same_at_once_count_it_once(db):
    ledger = Ledger(db)
    versions = [
        usage_record(
            id=f"r{number}", nanodollars=number + estimated, estimated=bool(estimated), key_id=f"k{number % 3}"
        )
        for number in range(60)
        for estimated in (0, 1)
    ]

    async def gateway(seed):
        mine = versions[:]
        random.Random(seed).shuffle(mine)
        for first in range(0, len(mine), 20):
            await ledger.store(mine[first : first + 20])

    await asyncio.gather(*(gateway(seed) for seed in range(4)))
    truths = [record for record in versions if not record.estimated]
    assert await stored(db) == {record.id: record for record in truths}
    assert await daily(db) == recounted(truths)


async def test_what_was_spent_since_a_window_began(db):
    ledger = Ledger(db)
    await ledger.store(
        [
            usage_record(id="a", nanodollars=1, at_ms=MIDNIGHT_MS - 1),
            usage_record(id="b", nanodollars=2, at_ms=MIDNIGHT_MS, user="ann"),
            usage_record(id="c", nanodollars=4, user="ann", key_id="k2", team="", provider="ollama"),
            usage_record(id="d", nanodollars=0, key_id="k3"),
        ]
    )
    today = MIDNIGHT_MS
    windows = {scope: Window(scope, today) for scope in ("key", "team", "user", "model", "provider")}
    assert set(await ledger.spent(windows.values())) == {
        Spent(windows["key"], "k1", "", 2),
        Spent(windows["key"], "k2", "", 4),
        Spent(windows["team"], "ml", "", 2),
        Spent(windows["user"], "k1", "ann", 2),
        Spent(windows["user"], "k2", "ann", 4),
        Spent(windows["model"], "gpt-5", "", 6),
        Spent(windows["provider"], "openai", "", 2),
        Spent(windows["provider"], "ollama", "", 4),
    }
    earlier = Window("key", today - 30 * DAY_MS)
    assert Spent(earlier, "k1", "", 3) in await ledger.spent([earlier, earlier])
    with pytest.raises(ValueError, match="midnight"):
        await ledger.spent([Window("key", today + 1)])


async def test_old_records_go_and_their_sums_stay(db):
    ledger = Ledger(db, retention_days=30)
    records = [usage_record(id=f"r{age}", at_ms=NOON_MS - age * DAY_MS) for age in range(29, 34)]
    await ledger.store(records)
    await ledger.bury(b"old", "no record", NOON_MS - 31 * DAY_MS)
    assert [await ledger.prune(NOON_MS, 2) for _ in range(3)] == [3, 1, 0]
    assert set(await stored(db)) == {"r29", "r30"}
    assert await daily(db) == recounted(records)


async def test_a_dead_letter_is_kept_once_and_cut(db):
    ledger = Ledger(db)
    for _ in range(2):
        await ledger.bury(b"x" * 100_000, "not a usage record", NOON_MS)
    async with db.connect() as connection:
        ((_, at_ms, reason, size, record),) = (await connection.execute(select(usage_dead_letters))).all()
    assert (at_ms, reason, size, len(record)) == (NOON_MS, "not a usage record", 100_000, 65_536)
