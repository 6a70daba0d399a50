"""Fills in where Bedrock is called and with which key, from what the file and the environment say."""

import itertools
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from kaigate.config.aws_settings import REGION, REGION_VARIABLES, bedrock_url
from kaigate.config.models import GatewayConfig, ProviderSettings
from kaigate.config.secrets import SecretRef

BEDROCK: Final = "bedrock"
API_KEY_VARIABLE: Final = "AWS_BEARER_TOKEN_BEDROCK"
_REGION: Final = re.compile(REGION)  # of the environment, which nothing has validated


def with_aws(config: GatewayConfig, env: Mapping[str, str]) -> GatewayConfig:
    """The configuration with region, address and API key of every Bedrock provider, as far as they are known."""
    changed = {
        name: _located(_keyed(settings, env), env)
        for name, settings in config.providers.items()
        if settings.type == BEDROCK
    }
    return config.model_copy(update={"providers": {**config.providers, **changed}}) if changed else config


def _keyed(settings: ProviderSettings, env: Mapping[str, str]) -> ProviderSettings:
    """A Bedrock API key of the environment comes before AWS credentials of the environment, not of the file."""
    aws = settings.aws
    if settings.api_key or aws.profile or aws.access_key_id or not env.get(API_KEY_VARIABLE):
        return settings
    return settings.model_copy(update={"api_key": SecretRef("env", API_KEY_VARIABLE)})


def _located(settings: ProviderSettings, env: Mapping[str, str]) -> ProviderSettings:
    region = settings.aws.region or region_in(settings.base_url or "")
    region = region or region_of(env)
    if region is None:
        return settings
    aws = settings.aws.model_copy(update={"region": region})
    return settings.model_copy(update={"aws": aws, "base_url": settings.base_url or bedrock_url(region)})


def region_of(env: Mapping[str, str]) -> str | None:
    """The region that the environment names."""
    return next((env[name] for name in REGION_VARIABLES if _REGION.fullmatch(env.get(name, ""))), None)


def region_in(url: str) -> str | None:
    """The region that an address of AWS names: of a public endpoint or a VPC endpoint (`vpce-...`)."""
    try:
        labels = (urlsplit(url).hostname or "").split(".")
    except ValueError:
        return None
    if "amazonaws" not in labels:
        return None
    for label, following in itertools.pairwise(labels):
        if label.startswith("bedrock-runtime"):
            return following
    return None
