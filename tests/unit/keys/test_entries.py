import msgspec

from kaigate.keys.entries import Entries, principal_of
from kaigate.keys.policy import KeyPolicy
from kaigate.keys.record import KeyRecord, KeyRights, TeamRecord
from kaigate.keys.repository import Known
from kaigate.pipeline.principal import Limits, Principal

TEAM = TeamRecord("ml", "", Limits(rpm=5), "m", 1, 1, 1)


def known(number: int, **fields) -> Known:
    record = KeyRecord(f"k{number}", "app", KeyRights(team="ml"), "m", 1, 1, number)
    record = msgspec.structs.replace(record, **fields)
    return Known(record.key_id, number, bytes([number]) * 32, None, record)


def test_both_tables_are_bounded():
    entries = Entries(KeyPolicy(), 3)
    for number in range(10):
        entries.put(known(number))
        entries.put_absent(bytes([100 + number]) * 32, 9.0)
    assert [entry.record.key_id for entry in entries.known.values()] == ["k7", "k8", "k9"]
    assert len(entries._by_key) == len(entries._absent) == 3


def test_a_key_that_is_revoked_becomes_nobody_and_stays_it():
    entries = Entries(KeyPolicy(), 3)
    assert entries.put(known(1)) is not None
    assert entries.put(known(1, revoked_at=5)) is None
    assert not entries.known
    assert not entries._by_key
    assert entries.is_absent(b"\1" * 32, 1e12)


def test_a_row_that_cannot_be_understood_is_nobody():
    entries = Entries(KeyPolicy(), 3)
    entries.put(known(1))
    assert entries.put(msgspec.structs.replace(known(1), record=None)) is None
    assert not entries.known


def test_the_earlier_end_counts():
    entries = Entries(KeyPolicy(), 3)
    rights = KeyRights(expires_at=9000)
    assert entries.put(msgspec.structs.replace(known(1, rights=rights), hash_expires_at=8000)).until == 8.0
    assert entries.put(known(1, rights=rights)).until == 9.0
    assert entries.put(known(1)).until == float("inf")


def test_a_blocked_team_stops_its_keys_and_lets_them_go_on():
    entries = Entries(KeyPolicy(), 3)
    entry = entries.put(known(1))
    entries.put_team(msgspec.structs.replace(TEAM, blocked_at=5))
    assert entry.principal is None
    assert entries.put(known(2)).principal is None
    entries.put_team(TEAM)
    assert entry.principal.team_limits == Limits(rpm=5)


def test_a_new_policy_reaches_keys_that_are_known():
    entries = Entries(KeyPolicy(), 3)
    entry = entries.put(known(1, rights=KeyRights(preset="batch")))
    assert entry.principal.limits == Limits()
    entries.use_policy(KeyPolicy(presets={"batch": Limits(rpm=600)}))
    assert entry.principal.limits == Limits(rpm=600)


def test_the_caller_carries_all_rights_of_the_key():
    rights = KeyRights("viewer", "ml", ("a",), ("p",), ("t",), ("10.0.0.0/8",), True, "strict", "required", None)
    record = known(1, rights=msgspec.structs.replace(rights, expires_at=9000)).record
    caller = principal_of(record, {"ml": TEAM}, KeyPolicy(teams={"ml": Limits(tpm=1)}))
    assert (caller.role, caller.team, caller.models, caller.providers) == ("viewer", "ml", ("a",), ("p",))
    assert (caller.tools, caller.networks, caller.private_only) == (("t",), ("10.0.0.0/8",), True)
    assert (caller.guardrail_profile, caller.end_users, caller.expires_at) == ("strict", "required", 9.0)
    assert caller.team_limits == Limits(rpm=5, tpm=1)
    assert not caller.master


def test_callers_without_a_key_here_are_under_the_limits_of_their_team():
    entries = Entries(KeyPolicy(teams={"ml": Limits(tpm=7)}), 3)
    caller = Principal("jwt-1", "ada", team="ml", team_limits=Limits(tpm=7))
    assert entries.in_team(caller) is caller
    entries.put_team(TEAM)
    assert entries.in_team(caller).team_limits == Limits(rpm=5, tpm=7)
    other = Principal("jwt-2", "bob")
    assert entries.in_team(other) is other
    entries.put_team(msgspec.structs.replace(TEAM, blocked_at=9))
    assert entries.in_team(caller) is None
    assert entries.in_team(other) is other
