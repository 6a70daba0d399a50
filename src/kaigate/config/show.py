"""The configuration as it may be shown: effective values, references instead of secrets.

Header values, key digests and redaction literals are hidden too, since each may be or stand for a secret.
"""

from typing import Any, Final

from kaigate.config.models import GatewayConfig

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
