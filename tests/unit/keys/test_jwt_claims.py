"""Claims become a caller; what is missing, malformed or unknown refuses the token instead of widening its rights."""

import pytest

from kaigate.config.jwt_settings import JwtClaims, JwtSettings
from kaigate.config.models import LimitSettings
from kaigate.keys.jwt_claims import ClaimError, expiry, json_object, principal_of, subject_id, values
from kaigate.keys.policy import KeyPolicy
from kaigate.pipeline.principal import Limits
from support.identity_provider import AUDIENCE, ISSUER, claims

POLICY = KeyPolicy(presets={"batch": Limits(rpm=600, tpm=None)}, teams={"ml": Limits(rpm=1000)})


def settings(**fields):
    return JwtSettings(issuer=ISSUER, audiences=(AUDIENCE,), jwks="file:/keys.json", **fields)


def who(token, **fields):
    return principal_of(claims(**token), settings(**fields), POLICY)


def test_a_plain_token_is_a_user_without_rights_to_administer():
    caller = who({})
    assert (caller.name, caller.role, caller.team, caller.models, caller.master) == ("ada", "user", "", None, False)
    assert caller.end_users == "ignored"
    assert caller.expires_at > 1.7e9
    assert caller.key_id == subject_id(ISSUER, "ada")


def test_each_subject_of_each_issuer_has_an_id_of_its_own():
    ids = {subject_id(*pair) for pair in (("a", "bc"), ("ab", "c"), ("a", "bd"), ("", "abc"))}
    assert len(ids) == 4
    assert all(len(one) == 16 and one.startswith("jwt-") for one in ids)


def test_claims_say_name_team_preset_and_models():
    token = {"email": "ada@example", "dept": ["ml"], "plan": "batch", "llm": {"models": ["gpt-*", "llama3"]}}
    names = JwtClaims(name="email", team="dept", preset="plan", models="llm.models")
    caller = who(token, claims=names, limits=LimitSettings(parallel=3))
    assert (caller.name, caller.team, caller.models) == ("ada@example", "ml", ("gpt-*", "llama3"))
    assert (caller.limits.rpm, caller.limits.parallel) == (600, 3)
    assert caller.team_limits.rpm == 1000


def test_settings_say_it_for_all_tokens_where_no_claim_does():
    caller = who({}, team="ml", models=("llama3",), preset="batch", private_only=True, end_users="required")
    assert (caller.team, caller.models, caller.private_only) == ("ml", ("llama3",), True)
    assert (caller.limits.rpm, caller.team_limits.rpm, caller.end_users) == (600, 1000, "required")


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        ("admins", "admin"),
        (["readers", "admins"], "admin"),
        (["readers"], "viewer"),
        (["strangers", 5, None, {}], "user"),
        ({"admins": True}, "user"),
        (None, "user"),
    ],
)
def test_the_highest_role_of_nested_groups_wins(groups, role):
    token = {"realm_access": {"roles": groups}}
    named = JwtClaims(role="realm_access.roles")
    assert who(token, claims=named, roles={"admins": "admin", "readers": "viewer"}).role == role


@pytest.mark.parametrize(
    ("token", "named"),
    [
        ({}, {"team": "team"}),
        ({"team": []}, {"team": "team"}),
        ({"team": ["a", "b"]}, {"team": "team"}),
        ({"team": "two words"}, {"team": "team"}),
        ({"team": "a\n"}, {"team": "team"}),
        ({"team": "x" * 65}, {"team": "team"}),
        ({"team": {"name": "ml"}}, {"team": "team"}),
        ({"realm": "ml"}, {"team": "realm.team"}),
        ({}, {"models": "models"}),
        ({"models": []}, {"models": "models"}),
        ({"models": ["gpt 5"]}, {"models": "models"}),
        ({"models": ["x"] * 257}, {"models": "models"}),
        ({}, {"preset": "plan"}),
        ({"plan": "unheard-of"}, {"preset": "plan"}),
        ({}, {"name": "email"}),
        ({"email": "a\u0000b"}, {"name": "email"}),
        ({"email": "x" * 129}, {"name": "email"}),
        ({"email": ""}, {"name": "email"}),
        ({"sub": ""}, {"name": "iss"}),
    ],
)
def test_a_claim_that_is_named_and_missing_or_malformed_refuses_the_token(token, named):
    with pytest.raises(ClaimError):
        who(token, claims=JwtClaims(**named))


@pytest.mark.parametrize(
    ("required", "token", "held"),
    [
        ({"email_verified": ("true",)}, {"email_verified": True}, True),
        ({"email_verified": ("true",)}, {"email_verified": False}, False),
        ({"email_verified": ("true",)}, {}, False),
        ({"groups": ("llm", "ml")}, {"groups": ["hr", "ml"]}, True),
        ({"groups": ("llm",)}, {"groups": ["hr"]}, False),
        ({"groups": ()}, {"groups": ["hr"]}, True),
        ({"groups": ()}, {"groups": []}, False),
        ({"https://kaigate.example/ok": ()}, {"https://kaigate.example/ok": 1}, True),
    ],
)
def test_required_claims_hold_or_the_token_is_refused(required, token, held):
    if held:
        assert who(token, required_claims=required).name == "ada"
    else:
        with pytest.raises(ClaimError):
            who(token, required_claims=required)


@pytest.mark.parametrize(
    ("found", "path", "texts"),
    [
        ({"a": {"b": ["x", 1, True, None, 1.5]}}, "a.b", ("x", "1", "true")),
        ({"a.b": "whole", "a": {"b": "nested"}}, "a.b", ("whole",)),
        ({"a": "text"}, "a.b", ()),
        ({"a": [{"b": "x"}]}, "a.b", ()),
        ({}, "a.b.c", ()),
    ],
)
def test_a_path_steps_into_objects_unless_the_whole_name_is_a_claim(found, path, texts):
    assert values(found, path) == texts


@pytest.mark.parametrize("value", [None, True, "1800000000", 0, -1, 10**400, float("inf"), float("nan"), [1.8e9]])
def test_an_expiry_is_a_time(value):
    with pytest.raises(ClaimError):
        expiry({"exp": value})


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":1}}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":1e999}',
        b"[]",
        b"",
        b"\xff",
        b'{"a":' + b"[" * 100_000,
        b'{"a":' + b"9" * 5000 + b"}",
    ],
)
def test_ambiguous_json_is_refused(data):
    with pytest.raises(ClaimError):
        json_object(data)
