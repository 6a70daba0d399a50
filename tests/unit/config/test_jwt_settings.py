"""Settings of tokens: addresses that nobody can change on the way, asymmetric algorithms, nothing said twice."""

import json
import re
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from kaigate.config.jwt_settings import JwtSettings

GOOD = {"issuer": "https://id.example", "audiences": ["kaigate"], "jwks": "https://id.example/jwks.json"}


def read(**changes):
    return JwtSettings.model_validate_json(json.dumps({**GOOD, **changes}))


@pytest.mark.parametrize(
    "address", ["https://id.example/jwks", "http://127.0.0.1:8080/jwks", "http://[::1]/k", "file:/etc/keys.json"]
)
def test_a_key_set_comes_over_tls_from_loopback_or_from_a_file(address):
    assert read(jwks=address).jwks == address


@pytest.mark.parametrize(
    "address",
    [
        "http://id.example/jwks",
        "https://user:word@id.example/jwks",
        "https:///jwks",
        "file:relative",
        "file://host/path",
        "ftp://id.example/",
        "data:application/json,{}",
        "",
    ],
)
def test_another_address_is_refused(address):
    with pytest.raises(ValidationError):
        read(jwks=address)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "HS512", "RS1", "rs256"])
def test_only_asymmetric_algorithms_can_be_configured(algorithm):
    with pytest.raises(ValidationError):
        read(algorithms=[algorithm])


@pytest.mark.parametrize(
    "changes",
    [
        {"audiences": []},
        {"algorithms": []},
        {"issuer": ""},
        {"team": "ml", "claims": {"team": "dept"}},
        {"models": ["x"], "claims": {"models": "models"}},
        {"preset": "batch", "claims": {"preset": "plan"}},
        {"max_stale_s": 60, "refresh_s": 600},
        {"roles": {"root": "master"}},
        {"roles": {"ops": "admin"}},
        {"roles": {"leads": "team_admin"}, "claims": {"role": "groups"}},
        {"leeway_s": 3600},
        {"secret": "x"},
    ],
)
def test_what_makes_no_sense_is_refused(changes):
    with pytest.raises(ValidationError):
        read(**changes)


def test_defaults_are_the_strict_ones():
    settings = read()
    assert settings.end_users == "ignored"
    assert settings.claims.name == "sub"
    assert settings.max_token_bytes == 8192


@pytest.mark.parametrize(("page", "role"), [("limits-and-budgets", "admin"), ("virtual-keys", "viewer")])
def test_the_documented_settings_are_valid(page, role):
    text = (Path(__file__).parents[3] / "docs" / "how-to" / f"{page}.md").read_text()
    blocks = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    [documented] = [yaml.safe_load(block)["keys"]["jwt"] for block in blocks if "  jwt:" in block]
    assert role in JwtSettings.model_validate_json(json.dumps(documented)).roles.values()
