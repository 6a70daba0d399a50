"""Virtual keys and teams over the real databases."""

import asyncio

import pytest

from kaigate.errors import AccessDeniedError, GatewayError, RequestInvalidError
from kaigate.keys.entries import principal_of
from kaigate.keys.hashing import is_virtual
from kaigate.keys.pepper import PepperError
from kaigate.keys.policy import KeyPolicy
from kaigate.keys.record import KeyChange, LimitsChange, TeamChange
from kaigate.keys.repository import KeyQuery, known_by_hash
from kaigate.keys.service import KeyService
from kaigate.pipeline.principal import Limits, Principal
from kaigate.store.sql.key_tables import key_hashes, keys

FULL = KeyChange(
    models=("llama*",),
    providers=("ollama",),
    tools=("search",),
    networks=("10.0.0.0/8",),
    private_only=True,
    guardrail_profile="strict",
    end_users="required",
    expires_at=1_800_000_000_000,
    limits=LimitsChange(rpm=7, tpm=8, parallel=2, budget=3_000_000_000, budget_window="day", max_input_tokens=99),
)


def caller_of(record) -> Principal:
    return principal_of(record, {}, KeyPolicy())


async def test_a_key_is_shown_once_and_kept_as_a_keyed_hash_only(service, db, master):
    issued = await service.create(master, "app", FULL)
    assert is_virtual(issued.token.encode())
    assert issued.token not in repr(issued)
    async with db.connect() as connection:
        rows = [*(await connection.execute(keys.select())), *(await connection.execute(key_hashes.select()))]
    assert issued.token not in repr(rows)
    assert issued.token[3:20] not in repr(rows)
    assert await service.get(master, issued.record.key_id) == issued.record


async def test_everything_that_a_key_carries_survives_the_database(service, master):
    issued = await service.create(master, "app", FULL)
    (record,) = await service.list(master, KeyQuery())
    assert record == issued.record
    assert record.rights == FULL.applied_to(record.rights)
    assert record.rights.limits == Limits(7, 8, 2, 3_000_000_000, "day", 99)
    assert (record.created_by, record.created_at, record.revoked_at) == ("master", 1_790_000_000_000, None)


async def test_every_change_has_a_higher_revision(service, master):
    first = (await service.create(master, "a", KeyChange())).record
    second = (await service.create(master, "b", KeyChange())).record
    third = await service.update(master, first.key_id, KeyChange(private_only=True))
    fourth = (await service.rotate(master, first.key_id)).record
    fifth = await service.revoke(master, second.key_id)
    revisions = [record.revision for record in (first, second, third, fourth, fifth)]
    assert revisions == sorted(set(revisions))


async def test_changes_that_come_together_are_put_in_a_line(service, master):
    issued = await asyncio.gather(*(service.create(master, f"k{n}", KeyChange()) for n in range(12)))
    assert len({one.record.revision for one in issued}) == 12


async def test_an_update_changes_what_is_said_and_nothing_else(service, master):
    before = (await service.create(master, "app", FULL)).record
    after = await service.update(master, before.key_id, KeyChange(limits=LimitsChange(rpm=1)), name="renamed")
    assert after.name == "renamed"
    assert after.rights.limits == Limits(1, 8, 2, 3_000_000_000, "day", 99)
    assert after.rights.models == ("llama*",)
    assert await service.get(master, before.key_id) == after


async def test_a_rotated_key_has_two_secrets_until_the_overlap_ends(service, db, clock, master):
    first = await service.create(master, "app", KeyChange())
    second = await service.rotate(master, first.record.key_id, overlap_s=60)
    assert second.token != first.token
    assert second.record.key_id == first.record.key_id
    async with db.connect() as connection:
        ends = sorted(
            (row.expires_at or 0 for row in await connection.execute(key_hashes.select())),
        )
    assert ends == [0, 1_790_000_060_000]
    # A shorter overlap later does not make an older secret live longer.
    clock.time += 30
    await service.rotate(master, first.record.key_id, overlap_s=3600)
    clock.time += 31
    await service.rotate(master, first.record.key_id, overlap_s=0)
    async with db.connect() as connection:
        assert len((await connection.execute(key_hashes.select())).all()) == 3


async def test_a_revoked_key_stays_revoked(service, master):
    record = (await service.create(master, "app", KeyChange())).record
    revoked = await service.revoke(master, record.key_id)
    assert revoked.revoked_at is not None
    assert await service.revoke(master, record.key_id) == revoked
    for refused in (service.update(master, record.key_id, KeyChange()), service.rotate(master, record.key_id)):
        with pytest.raises(RequestInvalidError):
            await refused
    assert await service.list(master, KeyQuery()) == []
    assert await service.list(master, KeyQuery(include_revoked=True)) == [revoked]


async def test_keys_are_listed_in_pages_and_by_team(service, master):
    await service.teams.create(master, "ml", TeamChange())
    for n in range(5):
        await service.create(master, f"k{n}", KeyChange(team="ml" if n % 2 else ""))
    first = await service.list(master, KeyQuery(limit=3))
    rest = await service.list(master, KeyQuery(limit=3, after=first[-1].key_id))
    assert sorted(record.name for record in (*first, *rest)) == ["k0", "k1", "k2", "k3", "k4"]
    assert sorted(record.name for record in await service.list(master, KeyQuery(team="ml"))) == ["k1", "k3"]
    assert [record.name for record in await service.list(master, KeyQuery(name="k2"))] == ["k2"]


async def test_roles_see_and_change_what_is_theirs(service, master):
    for team in ("ml", "web"):
        await service.teams.create(master, team, TeamChange())
    lead = caller_of((await service.create(master, "lead", KeyChange(role="team_admin", team="ml"))).record)
    viewer = caller_of((await service.create(master, "viewer", KeyChange(role="viewer", team="ml"))).record)
    user = caller_of((await service.create(master, "user", KeyChange(team="ml"))).record)
    other = (await service.create(master, "other", KeyChange(team="web"))).record

    mine = (await service.create(lead, "mine", KeyChange())).record
    assert (mine.rights.team, mine.created_by) == ("ml", lead.key_id)
    assert {record.name for record in await service.list(lead, KeyQuery())} == {"lead", "viewer", "user", "mine"}
    assert await service.list(lead, KeyQuery(team="web")) == []
    assert [team.name for team in await service.teams.list(viewer)] == ["ml"]
    for refused in (
        service.get(lead, other.key_id),
        service.revoke(lead, other.key_id),
        service.rotate(lead, other.key_id),
        service.update(lead, other.key_id, KeyChange(private_only=True)),
        service.create(lead, "x", KeyChange(team="web")),
        service.create(lead, "x", KeyChange(role="admin", team="")),
        service.create(viewer, "x", KeyChange()),
        service.revoke(viewer, mine.key_id),
        service.list(user, KeyQuery()),
        service.teams.create(lead, "new", TeamChange()),
        service.teams.update(lead, "ml", TeamChange(limits=LimitsChange(rpm=10**9))),
        service.teams.get(lead, "web"),
    ):
        with pytest.raises(GatewayError):
            await refused
    assert (await service.revoke(lead, mine.key_id)).revoked_at is not None


async def test_an_issuer_that_was_revoked_or_narrowed_a_moment_ago_cannot_use_what_it_had(service, clock, master):
    record = (await service.create(master, "admin", KeyChange(role="admin"))).record
    stale = caller_of(record)
    await service.update(master, record.key_id, KeyChange(models=("llama3",)))
    assert (await service.create(stale, "x", KeyChange())).record.rights.models == ("llama3",)
    with pytest.raises(AccessDeniedError):
        await service.create(stale, "y", KeyChange(models=None))
    await service.revoke(master, record.key_id)
    with pytest.raises(AccessDeniedError):
        await service.create(stale, "z", KeyChange())


async def test_a_blocked_team_stops_its_admins(service, master):
    await service.teams.create(master, "ml", TeamChange(limits=LimitsChange(rpm=5)))
    lead = caller_of((await service.create(master, "lead", KeyChange(role="team_admin", team="ml"))).record)
    blocked = await service.teams.update(master, "ml", TeamChange(blocked=True))
    assert (blocked.blocked_at is not None, blocked.limits.rpm) == (True, 5)
    with pytest.raises(AccessDeniedError):
        await service.create(lead, "x", KeyChange())
    assert (await service.teams.update(master, "ml", TeamChange(blocked=False))).blocked_at is None
    await service.create(lead, "x", KeyChange())


async def test_a_team_with_keys_is_not_deleted(service, master):
    await service.teams.create(master, "ml", TeamChange(description="Research"))
    record = (await service.create(master, "app", KeyChange(team="ml"))).record
    with pytest.raises(RequestInvalidError):
        await service.teams.delete(master, "ml")
    await service.teams.create(master, "web", TeamChange())
    await service.teams.delete(master, "web")
    assert [team.name for team in await service.teams.list(master)] == ["ml"]
    with pytest.raises(RequestInvalidError, match="of this name"):
        await service.teams.create(master, "ml", TeamChange())
    with pytest.raises(RequestInvalidError, match="no such team"):
        await service.update(master, record.key_id, KeyChange(team="web"))


@pytest.mark.parametrize(
    "change",
    [
        KeyChange(expires_at=1_789_999_999_999),
        KeyChange(team="nowhere"),
        KeyChange(preset="nothing"),
        KeyChange(limits=LimitsChange(rpm=-2)),
        KeyChange(networks=("10.0.0.1/8",)),
        KeyChange(models=("with space",)),
    ],
)
async def test_a_refused_key_leaves_nothing_behind(service, master, change):
    with pytest.raises(RequestInvalidError):
        await service.create(master, "app", change)
    assert await service.list(master, KeyQuery(include_revoked=True)) == []


async def test_hostile_names_are_values_and_never_statements(service, db, master):
    for name in ("x'; DROP TABLE keys; --", "a b", "", "é", "x" * 65):
        with pytest.raises(RequestInvalidError):
            await service.create(master, name, KeyChange())
        assert await service.list(master, KeyQuery(name=name, team=name, after=name)) == []
        with pytest.raises(RequestInvalidError):
            await service.get(master, name)
    async with db.connect() as connection:
        assert await known_by_hash(connection, [b"' OR 1=1 --" + b"x" * 21]) == []


async def test_another_pepper_is_noticed_before_it_makes_every_key_useless(service, db, clock, master):
    await service.verify_pepper(master)
    other = KeyService(db, b"q" * 32, clock)
    await other.verify_pepper(master)
    await service.verify_pepper(master)
    await service.create(master, "app", KeyChange())
    await service.verify_pepper(master)
    with pytest.raises(PepperError):
        await other.verify_pepper(master)
