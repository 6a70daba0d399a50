"""What may be said of a region."""

import pytest
from pydantic import ValidationError

from kaigate.config.aws_settings import AwsSettings, bedrock_url


def test_an_address_for_each_region() -> None:
    assert bedrock_url("eu-central-1") == "https://bedrock-runtime.eu-central-1.amazonaws.com"


@pytest.mark.parametrize("region", ["", "us", "us-east-1.evil.example", "us-east-1/x", "US-EAST-1"])
def test_a_region_can_not_be_another_host(region: str) -> None:
    with pytest.raises(ValidationError):
        AwsSettings(region=region)
