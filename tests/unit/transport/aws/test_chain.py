"""The first of AWS's places that has credentials is used."""

from pathlib import Path

import pytest

from kaigate.transport.aws.chain import AwsKeys, credential_store
from kaigate.transport.aws.credentials import AwsCredentials, CredentialStore
from kaigate.transport.egress import EgressGuard
from kaigate.transport.http import HttpClient
from tests.support.clocks import ManualClock

STATIC = {"AWS_ACCESS_KEY_ID": "ENV", "AWS_SECRET_ACCESS_KEY": "s"}
IDENTITY = {"AWS_WEB_IDENTITY_TOKEN_FILE": "/t", "AWS_ROLE_ARN": "arn:aws:iam::1:role/x"}
CONTAINER = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials"}


def chosen(keys: AwsKeys, env: dict[str, str]) -> str:
    store: CredentialStore = credential_store(keys, env, HttpClient(guard=EgressGuard([])), ManualClock())
    if store.destinations():
        return store.destinations()[0][0]
    found = store.current()
    assert isinstance(found, AwsCredentials)
    return found.access_key_id


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text("[default]\naws_access_key_id=FILE\naws_secret_access_key=s\n")
    (tmp_path / ".aws" / "config").write_text(
        "[profile web]\nrole_arn=arn:aws:iam::1:role/x\nweb_identity_token_file=/t\n[profile bare]\nregion=x\n"
    )
    return {"HOME": str(tmp_path)}


def test_the_order(home: dict[str, str]) -> None:
    everything = {**STATIC, **IDENTITY, **CONTAINER, **home}
    given = AwsKeys("r", access_key_id="GIVEN", secret_access_key="s")
    assert chosen(given, everything) == "GIVEN"
    assert chosen(AwsKeys("r", profile="default"), everything) == "FILE"
    assert chosen(AwsKeys("r"), everything) == "ENV"
    assert chosen(AwsKeys("r"), {**IDENTITY, **CONTAINER, **home}) == "sts.r.amazonaws.com"
    assert chosen(AwsKeys("r"), {**CONTAINER, **home}) == "FILE"
    assert chosen(AwsKeys("r"), {**CONTAINER, "HOME": "/none"}) == "169.254.170.23"


def test_a_profile_with_web_identity(home: dict[str, str]) -> None:
    assert chosen(AwsKeys("r", profile="web"), home) == "sts.r.amazonaws.com"


def test_nothing_found_says_what_to_do(home: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="no AWS credentials were found"):
        chosen(AwsKeys("r"), {"HOME": "/none"})
    with pytest.raises(ValueError, match="has no credentials"):
        chosen(AwsKeys("r", profile="bare"), home)


def test_no_representation_shows_a_key() -> None:
    keys = AwsKeys("r", access_key_id="CANARY", secret_access_key="CANARY", session_token="CANARY")
    assert "CANARY" not in repr(keys)


def test_a_malformed_key_is_an_error_of_the_configuration() -> None:
    with pytest.raises(ValueError, match="characters"):
        chosen(AwsKeys("r", access_key_id="a b", secret_access_key="s"), {})
