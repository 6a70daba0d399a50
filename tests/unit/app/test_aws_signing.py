"""Bedrock providers get a signer each, with credentials of their own settings or of the environment."""

import pytest

from kaigate.app.aws_signing import asks_agent, credential_destinations, possible_signers, signers
from kaigate.clock import SystemClock
from kaigate.config.loaded import LoadedConfig
from kaigate.config.problems import ConfigError
from kaigate.transport.aws.credentials import AwsCredentials
from kaigate.transport.egress import EgressGuard
from kaigate.transport.http import HttpClient
from support.app_snapshot import loaded_from

NOWHERE = {"HOME": "/none"}
KEYS = {"AWS_ACCESS_KEY_ID": "ENVIRONMENT", "AWS_SECRET_ACCESS_KEY": "canary"}
AGENT = {**NOWHERE, "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials"}
IDENTITY = {**NOWHERE, "AWS_WEB_IDENTITY_TOKEN_FILE": "/none/token", "AWS_ROLE_ARN": "arn:aws:iam::1:role/r"}


def bedrock(**changes):
    return {"type": "bedrock", "base_url": None, "zone": None, "aws": {"region": "eu-west-1"}, **changes}


def made(loaded: LoadedConfig, env=NOWHERE, previous=None):
    client = HttpClient(guard=EgressGuard(()))
    return signers(loaded, env, client, SystemClock(), previous=previous or {})


def key_of(found, name: str) -> str:
    credentials = found[name].credentials.current()
    assert isinstance(credentials, AwsCredentials)
    return credentials.access_key_id


def test_only_bedrock_without_an_api_key_is_signed(tmp_path):
    providers = {"signed": bedrock(), "keyed": bedrock(api_key="env:TEST_KEY")}
    assert list(made(loaded_from(tmp_path, providers=providers), KEYS)) == ["signed"]


def test_keys_of_the_file_come_before_those_of_the_environment(tmp_path):
    own = {"region": "r-1", "access_key_id": "env:TEST_KEY", "secret_access_key": "env:TEST_KEY"}
    loaded = loaded_from(tmp_path, providers={"own": bedrock(aws=own), "other": bedrock()})
    found = made(loaded, KEYS)
    assert key_of(found, "own") == loaded.secret(loaded.config.providers["own"].aws.access_key_id)
    assert key_of(found, "other") == "ENVIRONMENT"


def test_a_profile_is_read_from_the_environments_files(tmp_path):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(
        "[far]\naws_access_key_id = PROFILE\naws_secret_access_key = canary\n"
    )
    loaded = loaded_from(tmp_path, providers={"one": bedrock(aws={"region": "r-1", "profile": "far"})})
    assert key_of(made(loaded, {**KEYS, "HOME": str(tmp_path)}), "one") == "PROFILE"


def test_every_provider_without_credentials_is_named_with_its_place(tmp_path):
    loaded = loaded_from(tmp_path, providers={"one": bedrock(), "two": bedrock()})
    with pytest.raises(ConfigError) as caught:
        made(loaded)
    assert [problem.path for problem in caught.value.problems] == ["providers.one", "providers.two"]
    assert all("no AWS credentials" in problem.message and problem.line for problem in caught.value.problems)
    own = {"region": "r-1", "access_key_id": "env:TEST_KEY", "secret_access_key": "env:TEST_KEY"}
    mixed = loaded_from(tmp_path, providers={"one": bedrock(), "two": bedrock(aws=own)})
    found, problems = possible_signers(mixed, NOWHERE, HttpClient(guard=EgressGuard(())), SystemClock())
    assert (list(found), [problem.path for problem in problems]) == (["two"], ["providers.one"])


@pytest.mark.parametrize(
    ("env", "destination", "agent"),
    [
        (AGENT, ("169.254.170.23", 80), True),
        (IDENTITY, ("sts.eu-west-1.amazonaws.com", 443), False),
        ({**NOWHERE, "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:81/x"}, ("127.0.0.1", 81), False),
    ],
)
def test_what_hands_out_credentials_is_a_destination(tmp_path, env, destination, agent):
    found = made(loaded_from(tmp_path, providers={"one": bedrock()}), env)
    destinations = list(credential_destinations(found))
    assert destinations == [("one", *destination)]
    assert asks_agent(destinations) is agent


def test_static_credentials_are_fetched_from_nowhere(tmp_path):
    assert list(credential_destinations(made(loaded_from(tmp_path, providers={"one": bedrock()}), KEYS))) == []


@pytest.mark.parametrize("env", [AGENT, IDENTITY])
def test_a_reload_keeps_credentials_that_are_fetched_in_the_same_way(tmp_path, env):
    loaded = loaded_from(tmp_path, providers={"one": bedrock(), "two": bedrock()})
    first = made(loaded, env)
    second = made(loaded, env, first)
    assert first["one"] is not second["one"]
    assert first["one"].credentials is second["one"].credentials
    assert second["two"].credentials is first["two"].credentials is not second["one"].credentials


@pytest.mark.parametrize(
    "change",
    [
        {"AWS_ROLE_ARN": "arn:aws:iam::1:role/other"},
        {"AWS_WEB_IDENTITY_TOKEN_FILE": "/other"},
        {"AWS_ROLE_SESSION_NAME": "other"},
        {"AWS_ENDPOINT_URL_STS": "https://sts.example"},
    ],
)
def test_what_is_fetched_otherwise_is_fetched_anew(tmp_path, change):
    loaded = loaded_from(tmp_path, providers={"one": bedrock()})
    first = made(loaded, IDENTITY)
    assert made(loaded, {**IDENTITY, **change}, first)["one"].credentials is not first["one"].credentials


@pytest.mark.parametrize(
    "change",
    [
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v2/credentials"},
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.2/v1/credentials"},
        {"AWS_CONTAINER_AUTHORIZATION_TOKEN": "t"},
        {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/t"},
    ],
)
def test_another_agent_or_token_is_asked_anew(tmp_path, change):
    loaded = loaded_from(tmp_path, providers={"one": bedrock()})
    first = made(loaded, AGENT)
    assert made(loaded, {**AGENT, **change}, first)["one"].credentials is not first["one"].credentials


def test_static_credentials_are_read_again(tmp_path):
    loaded = loaded_from(tmp_path, providers={"one": bedrock()})
    first = made(loaded, AGENT)
    second = made(loaded, KEYS, first)
    assert key_of(second, "one") == "ENVIRONMENT"
    assert key_of(made(loaded, {**KEYS, "AWS_ACCESS_KEY_ID": "OTHER"}, second), "one") == "OTHER"
