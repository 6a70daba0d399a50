"""The configuration as it may be shown: effective values, references instead of secrets.

Header values, key digests and redaction literals are hidden too, since each may be or stand for a secret.
"""

from typing import Any, Final

from kaigate.config.models import GatewayConfig
from kaigate.config.prefixes import prefix_table
from kaigate.config.provider_types import ProviderTypes

HIDDEN: Final = "***"


def effective(config: GatewayConfig) -> dict[str, Any]:
    """The whole configuration with its defaults, as plain JSON data without secrets."""
    data: dict[str, Any] = config.model_dump(mode="json")
    for provider in data["providers"].values():
        provider["headers"] = dict.fromkeys(provider["headers"], HIDDEN)
    for key in data["keys"]["static"].values():
        if key["sha256"] is not None:
            key["sha256"] = HIDDEN
    redaction = data["guardrails"]["output"]["redaction"]
    redaction["literals"] = [HIDDEN] * len(redaction["literals"])
    return data


def providers_view(config: GatewayConfig, types: ProviderTypes) -> list[dict[str, Any]]:
    """For `/providers`: what each configured provider is and where it stands."""
    table = prefix_table(config)
    return [
        {
            "name": name,
            "type": settings.type,
            "base_url": settings.base_url or types[settings.type].base_url,
            "zone": settings.zone or types[settings.type].zone,
            "prefixes": sorted(prefix for prefix, providers in table.items() if name in providers),
        }
        for name, settings in config.providers.items()
    ]


def settings_view(config: GatewayConfig) -> dict[str, Any]:
    """For `/settings`: how requests are routed."""
    data = effective(config)
    return {
        "routing": data["routing"],
        "prefixes": {prefix: list(names) for prefix, names in sorted(prefix_table(config).items())},
        "models": data["models"],
    }
