import pytest

from kaigate.errors import RequestInvalidError
from kaigate.keys.policy import KeyPolicy
from kaigate.keys.record import KeyRights
from kaigate.keys.validate import check_name, check_rights, check_text
from kaigate.pipeline.principal import Limits

POLICY = KeyPolicy(presets={"batch": Limits()})


@pytest.mark.parametrize(
    "rights",
    [
        KeyRights(),
        KeyRights(role="admin"),
        KeyRights(role="team_admin", team="ml"),
        KeyRights(models=("gpt-*", "[ab]"), tools=("get_*",), providers=("openai",), networks=("10.0.0.0/8", "::/0")),
        KeyRights(preset="batch", limits=Limits(-1, 0, 1, 10**18, "999d", 8192), expires_at=1),
    ],
)
def test_sensible_rights(rights):
    check_rights(rights, POLICY)


@pytest.mark.parametrize(
    ("rights", "param"),
    [
        (KeyRights(role="master"), "role"),
        (KeyRights(role="admin", team="ml"), "team"),
        (KeyRights(role="team_admin"), "team"),
        (KeyRights(team="a b"), "team"),
        (KeyRights(models=("a", "b c")), "models[1]"),
        (KeyRights(models=("a" * 257,)), "models[0]"),
        (KeyRights(models=("a",) * 257), "models"),
        (KeyRights(tools=("",)), "tools[0]"),
        (KeyRights(providers=("open*",)), "providers[0]"),
        (KeyRights(networks=("10.0.0.1/8",)), "networks[0]"),
        (KeyRights(networks=("fe80::%eth0",)), "networks[0]"),
        (KeyRights(guardrail_profile="a/b"), "guardrail_profile"),
        (KeyRights(preset="gone"), "preset"),
        (KeyRights(expires_at=0), "expires_at"),
        (KeyRights(expires_at=10**18), "expires_at"),
        (KeyRights(limits=Limits(rpm=-2)), "limits.rpm"),
        (KeyRights(limits=Limits(budget=10**18 + 1)), "limits.budget"),
        (KeyRights(limits=Limits(budget_window="0d")), "limits.budget_window"),
        (KeyRights(limits=Limits(budget_window="day\n")), "limits.budget_window"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(rights, param):
    with pytest.raises(RequestInvalidError) as refused:
        check_rights(rights, POLICY)
    assert (refused.value.code, refused.value.param) == ("invalid_request", param)


@pytest.mark.parametrize("name", ["", "a b", "-a", "a" * 65, "a\n", "é", "a/b"])
def test_names_are_safe_in_labels_headers_and_paths(name):
    with pytest.raises(RequestInvalidError):
        check_name(name, "name")
    check_name("a.B-1_" + "c" * 58, "name")


@pytest.mark.parametrize("text", ["a\nb", "\x1b[31m", "x" * 501])
def test_descriptions_cannot_play_with_terminals(text):
    with pytest.raises(RequestInvalidError):
        check_text(text, "description")
    check_text("Forschung & Lehre: é", "description")
