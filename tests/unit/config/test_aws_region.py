"""Region and address of Bedrock providers."""

from typing import Any

import pytest

from kaigate.config.aws_region import region_in, with_aws
from kaigate.config.aws_settings import AwsSettings
from kaigate.config.models import GatewayConfig, ProviderSettings
from kaigate.config.secrets import SecretRef

VPC = "https://vpce-1-2.bedrock-runtime.eu-west-3.vpce.amazonaws.com"


def located(settings: ProviderSettings, env: dict[str, str]) -> tuple[str | None, str | None]:
    found = with_aws(GatewayConfig(providers={"b": settings}), env).providers["b"]
    return found.aws.region, found.base_url


@pytest.mark.parametrize(
    ("settings", "env", "region"),
    [
        ({"aws": AwsSettings(region="eu-west-1")}, {"AWS_REGION": "us-east-1"}, "eu-west-1"),
        ({}, {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-west-2"}, "us-east-1"),
        ({}, {"AWS_DEFAULT_REGION": "us-west-2"}, "us-west-2"),
    ],
)
def test_the_address_follows_the_region(settings: dict[str, AwsSettings], env: dict[str, str], region: str) -> None:
    expected = (region, f"https://bedrock-runtime.{region}.amazonaws.com")
    assert located(ProviderSettings(type="bedrock", **settings), env) == expected


def test_an_endpoint_of_one_s_own_stays_and_names_its_region() -> None:
    assert located(ProviderSettings(type="bedrock", base_url=VPC), {"AWS_REGION": "us-east-1"}) == ("eu-west-3", VPC)
    own = ProviderSettings(type="bedrock", base_url="https://b.example")
    assert located(own, {"AWS_REGION": "us-east-1"}) == ("us-east-1", "https://b.example")


def test_a_variable_that_is_no_region_is_not_used() -> None:
    env = {"AWS_REGION": "us-east-1.evil.example/", "AWS_DEFAULT_REGION": "us-west-2"}
    assert located(ProviderSettings(type="bedrock"), env)[0] == "us-west-2"


@pytest.mark.parametrize(
    ("settings", "used"),
    [
        ({}, "AWS_BEARER_TOKEN_BEDROCK"),
        ({"api_key": SecretRef("env", "OWN")}, "OWN"),
        ({"aws": AwsSettings(profile="work")}, None),
        ({"aws": AwsSettings(access_key_id=SecretRef("env", "A"))}, None),
    ],
)
def test_a_bedrock_key_of_the_environment(settings: dict[str, Any], used: str | None) -> None:
    config = GatewayConfig(providers={"b": ProviderSettings(type="bedrock", **settings)})
    found = with_aws(config, {"AWS_BEARER_TOKEN_BEDROCK": "k"}).providers["b"].api_key
    assert (None if found is None else found.target) == used
    assert with_aws(config, {}).providers["b"].api_key == settings.get("api_key")


def test_what_is_not_known_stays_open() -> None:
    assert located(ProviderSettings(type="bedrock"), {}) == (None, None)
    assert located(ProviderSettings(type="openai"), {"AWS_REGION": "us-east-1"}) == (None, None)


@pytest.mark.parametrize("url", ["", "https://bedrock-runtime.us-east-1.example.com", "https://[", "https://x"])
def test_another_address_names_no_region(url: str) -> None:
    assert region_in(url) is None


def test_fips_endpoints_name_theirs() -> None:
    assert region_in("https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com") == "us-gov-west-1"
