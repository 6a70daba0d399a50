"""Cross-checks of Bedrock providers."""

from pathlib import Path

import pytest

from kaigate.config.check import check
from kaigate.config.load import load
from kaigate.config.loaded import LoadedConfig
from kaigate.config.problems import ConfigError
from support.configuration import TYPES, Row, write

MODELS = "models: {m: {deployments: [{provider: p}]}}\nkeys: {master_key: env:KEY}\n"
ENV = {"KEY": "kg-" + "k" * 20, "A": "a" * 20, "B": "b" * 20}
KEYS = "access_key_id: env:A, secret_access_key: env:B"


BEDROCK = {**TYPES, "bedrock": Row(None, "external")}


def load_text(folder: Path, text: str, env: dict[str, str]) -> LoadedConfig:
    return check(load(write(folder, text), env), BEDROCK)


def refused(folder: Path, text: str, env: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_text(folder, text, env)
    return [str(problem) for problem in caught.value.problems]


def provider(settings: str) -> str:
    return f"providers: {{p: {{{settings}}}}}\n{MODELS}"


@pytest.mark.parametrize(
    "settings",
    [
        "type: bedrock, aws: {region: us-east-1}",
        f"type: bedrock, aws: {{region: us-east-1, {KEYS}, session_token: env:A}}",
        "type: bedrock, aws: {region: us-east-1, profile: work}",
        "type: bedrock, api_key: env:A, aws: {region: us-east-1}",
        "type: bedrock, api_key: env:A, base_url: 'https://bedrock.example'",
        "type: bedrock, base_url: 'https://vpce-1.bedrock-runtime.eu-west-3.vpce.amazonaws.com'",
    ],
)
def test_whole_settings_are_fine(tmp_path: Path, settings: str) -> None:
    assert load_text(tmp_path, provider(settings), ENV).config.providers["p"].type == "bedrock"


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ("type: bedrock", "needs aws.region"),
        ("type: bedrock, base_url: 'https://bedrock.example'", "needs aws.region"),
        ("type: bedrock, aws: {region: us-east-1, access_key_id: env:A}", "or neither"),
        ("type: bedrock, aws: {region: us-east-1, session_token: env:A}", "needs access_key_id"),
        (f"type: bedrock, aws: {{region: us-east-1, profile: x, {KEYS}}}", "more than one"),
        ("type: bedrock, api_key: env:A, aws: {region: us-east-1, profile: x}", "more than one"),
        ("type: openai, aws: {region: us-east-1}", "only for providers of type bedrock"),
    ],
)
def test_half_settings_are_refused(tmp_path: Path, settings: str, reason: str) -> None:
    assert any(reason in problem for problem in refused(tmp_path, provider(settings), ENV))


def test_the_environment_gives_the_region(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, provider("type: bedrock"), {**ENV, "AWS_REGION": "eu-west-1"})
    assert loaded.config.providers["p"].base_url == "https://bedrock-runtime.eu-west-1.amazonaws.com"


def test_a_key_in_the_file_is_refused(tmp_path: Path) -> None:
    key = "AKIA" + "CANARYCANARY"
    problems = refused(tmp_path, provider(f"type: bedrock, aws: {{access_key_id: {key}, region: us-east-1}}"), ENV)
    assert problems
    assert not any(key in problem for problem in problems)
