import fnmatch
from ipaddress import ip_address, ip_network

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from kaigate.errors import GatewayError
from kaigate.keys import grants
from kaigate.keys.policy import KeyPolicy
from kaigate.keys.record import KeyChange, KeyRights, LimitsChange
from kaigate.keys.validate import check_rights
from kaigate.pipeline.principal import UNLIMITED, Limits

POLICY = KeyPolicy(
    defaults=Limits(60, 1000, 5, 10, "30d", 100),
    presets={"batch": Limits(600, UNLIMITED, 50, 100, "day", UNLIMITED)},
    teams={"ml": Limits(), "web": Limits()},
)
MASTER = KeyRights(role="master")


def maybe(strategy):
    # Mostly unsaid: a change of everything at once is refused for the first of many reasons.
    return st.integers(0, 5).flatmap(lambda dice: strategy if dice == 0 else st.just(UNSET))


def some(*values):
    return maybe(st.one_of(st.none(), st.lists(st.sampled_from(values), max_size=3).map(tuple)))


COUNTS = maybe(st.sampled_from([None, UNLIMITED, 0, 1, 5, 60, 600, 5000]))
CHANGES = st.builds(
    KeyChange,
    role=maybe(st.sampled_from(["user", "viewer", "team_admin", "admin", "master"])),
    team=maybe(st.sampled_from(["", "ml", "web"])),
    models=some("*", "gpt-*", "gpt-4", "llama*", "?la*"),
    providers=some("openai", "ollama"),
    tools=some("search", "s*", "shell"),
    networks=some("10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "fd00::/8"),
    private_only=maybe(st.booleans()),
    guardrail_profile=maybe(st.sampled_from(["", "strict", "lax"])),
    end_users=maybe(st.sampled_from(["ignored", "accepted", "required"])),
    preset=maybe(st.sampled_from([None, "batch"])),
    expires_at=maybe(st.sampled_from([None, 1000, 2000])),
    limits=st.builds(
        LimitsChange,
        rpm=COUNTS,
        tpm=COUNTS,
        parallel=COUNTS,
        max_input_tokens=COUNTS,
        budget=COUNTS,
        budget_window=maybe(st.sampled_from([None, "day", "30d"])),
    ),
)
# Everything that a key could ever do, as single acts; written without the rules that are tested.
MODELS = ("gpt-4", "gpt-5", "llama3", "ola", "x")
AMOUNTS = (0, 1, 5, 6, 60, 61, 100, 601, 5001, 10**9)
ADDRESSES = ("10.0.0.1", "10.1.0.1", "192.0.2.1", "fd00::1", "2001:db8::1")


def acts(rights: KeyRights) -> dict[str, set]:
    """What a key can do; a key that contains another one has more of every kind."""
    limits = POLICY.effective(rights)

    def matching(patterns, names):
        return {name for name in names if patterns is None or any(fnmatch.fnmatchcase(name, p) for p in patterns)}

    def inside(address):
        networks = [ip_network(text) for text in rights.networks or ()]
        return rights.networks is None or any(ip_address(address) in network for network in networks)

    def up_to(limit):
        return {amount for amount in AMOUNTS if limit == UNLIMITED or amount <= limit}

    windows = ("day", "30d") if limits.budget == UNLIMITED else (limits.budget_window,)
    roles = ("user", "viewer", "team_admin", "admin", "master")
    teams = {"", "ml", "web"} if rights.role in {"admin", "master"} else {rights.team}
    profiles = {"", "strict", "lax"} if rights.role == "master" else {rights.guardrail_profile}
    labels = {"ignored", "accepted", "required"} if rights.end_users == "accepted" else {rights.end_users}
    return {
        "model": matching(rights.models, MODELS),
        "provider": matching(rights.providers, ("openai", "ollama")),
        "tool": matching(rights.tools, ("search", "shell", "s")),
        "address": {address for address in ADDRESSES if inside(address)},
        "zone": {"private"} if rights.private_only else {"private", "external"},
        "time": {at for at in (500, 1500, 2500) if rights.expires_at is None or at < rights.expires_at},
        "role": set(roles[: roles.index(rights.role) + 1]),
        "team": teams,
        "profile": profiles,
        "label": labels,
        "spend": {(window, amount) for window in windows for amount in up_to(limits.budget) if amount},
        **{name: up_to(getattr(limits, name)) for name in ("rpm", "tpm", "parallel", "max_input_tokens")},
    }


def within(inner: KeyRights, outer: KeyRights) -> bool:
    if outer.role == "master":
        return inner.role != "master"
    ours, theirs = acts(inner), acts(outer)
    return all(ours[kind] <= theirs[kind] for kind in ours)


def administrator(change: KeyChange, team: str) -> KeyRights:
    rights = change.applied_to(KeyRights())
    return msgspec.structs.replace(rights, role="team_admin" if team else "admin", team=team)


ADMINISTRATORS = st.builds(administrator, CHANGES, st.sampled_from(["", "", "ml"]))
STEPS = st.lists(
    st.tuples(st.sampled_from(["create", "create", "update", "rotate"]), st.integers(0, 9), st.integers(0, 9), CHANGES),
    min_size=1,
    max_size=6,
)


@given(st.lists(ADMINISTRATORS, min_size=2, max_size=4), STEPS)
def test_no_sequence_of_calls_yields_a_key_with_a_right_its_issuer_lacked(administrators, steps):
    keys = [MASTER, *administrators]
    for call, actor, subject, change in steps:
        issuer, at = keys[actor % len(keys)], subject % len(keys)
        try:
            if call == "create":
                made = grants.new_rights(issuer, change, POLICY)
                check_rights(made, POLICY)
                assert within(made, issuer)
                keys.append(made)
            elif at == 0:
                continue
            elif call == "update":
                made = grants.changed_rights(issuer, keys[at], change, POLICY)
                check_rights(made, POLICY)
                # Never a mixture of the two.
                assert within(made, issuer) or within(made, keys[at])
                keys[at] = made
            else:
                grants.may_rotate(issuer, keys[at], POLICY)
                # Who rotates a key holds it.
                assert within(keys[at], issuer)
        except GatewayError:
            continue
        assert all(key.role != "master" for key in keys[1:])


@given(CHANGES)
def test_what_is_contained_does_not_exceed(change):
    rights = change.applied_to(KeyRights())
    assert rights.role == "master" or grants.excess(rights, rights, POLICY) is None
    assert grants.excess(rights, MASTER, POLICY) == ("role" if rights.role == "master" else None)


ADMIN = KeyRights(role="admin", models=("gpt-*",), limits=Limits(rpm=100, budget=50, budget_window="30d"))
LEAD = KeyRights(role="team_admin", team="ml")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (KeyChange(role="master"), "role"),
        (KeyChange(models=None), "models"),
        (KeyChange(models=("*",)), "models"),
        (KeyChange(guardrail_profile="lax"), "guardrail_profile"),
        (KeyChange(limits=LimitsChange(rpm=101)), "limits.rpm"),
        (KeyChange(limits=LimitsChange(rpm=UNLIMITED)), "limits.rpm"),
        (KeyChange(limits=LimitsChange(tpm=1001)), "limits.tpm"),
        (KeyChange(limits=LimitsChange(budget=51)), "limits.budget"),
        (KeyChange(limits=LimitsChange(budget=2, budget_window="day")), "limits.budget_window"),
        (KeyChange(preset="batch"), "limits.tpm"),
    ],
)
def test_a_wider_grant_is_refused_and_names_the_field(change, field):
    with pytest.raises(GatewayError) as refused:
        grants.new_rights(ADMIN, change, POLICY)
    assert (refused.value.code, refused.value.param) == ("route_not_allowed", field)


def test_what_is_not_said_is_the_issuers_own():
    rights = grants.new_rights(ADMIN, KeyChange(), POLICY)
    assert rights == msgspec.structs.replace(ADMIN, role="user")


@pytest.mark.parametrize("role", ["viewer", "user"])
def test_who_has_no_administrative_role_changes_nothing(role):
    caller = KeyRights(role=role, team="ml")
    for call in (
        lambda: grants.new_rights(caller, KeyChange(), POLICY),
        lambda: grants.changed_rights(caller, caller, KeyChange(private_only=True), POLICY),
        lambda: grants.may_rotate(caller, caller, POLICY),
        lambda: grants.may_revoke(caller, caller),
        lambda: grants.may_govern(caller),
    ):
        with pytest.raises(GatewayError):
            call()


def test_a_team_admin_stays_inside_its_team_and_below_admins():
    for key in (KeyRights(team="web"), KeyRights(), KeyRights(role="admin", team="ml")):
        with pytest.raises(GatewayError):
            grants.may_revoke(LEAD, key)
    grants.may_revoke(LEAD, KeyRights(role="team_admin", team="ml"))
    with pytest.raises(GatewayError):
        grants.may_govern(LEAD)


def test_a_wider_key_may_be_narrowed_but_not_taken_over():
    wide = KeyRights()
    narrowed = grants.changed_rights(ADMIN, wide, KeyChange(private_only=True), POLICY)
    assert narrowed.private_only
    with pytest.raises(GatewayError):
        grants.may_rotate(ADMIN, wide, POLICY)


def test_rights_of_two_keys_are_not_mixed():
    caller = KeyRights(role="admin", models=("gpt-*",))
    key = KeyRights(models=("llama*",), private_only=True)
    with pytest.raises(GatewayError):
        grants.changed_rights(caller, key, KeyChange(private_only=False), POLICY)


@pytest.mark.parametrize(
    ("caller", "team"), [(MASTER, None), (ADMIN, None), (LEAD, "ml"), (KeyRights(role="viewer"), None)]
)
def test_who_sees_what(caller, team):
    assert grants.visible_team(caller) == team
