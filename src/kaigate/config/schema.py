"""JSON Schema of the configuration file, for editors and for checks outside the gateway."""

from typing import Any, Final

from kaigate.config.models import GatewayConfig, GuardrailSettings

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def config_schema() -> dict[str, Any]:
    """The schema of `gateway.yaml`, draft 2020-12."""
    return {"$schema": DIALECT, "title": "kaigate gateway.yaml", **_without_title(GatewayConfig.model_json_schema())}


def guardrail_schema() -> dict[str, Any]:
    """The schema of `guardrails.yaml`, draft 2020-12."""
    schema = _without_title(GuardrailSettings.model_json_schema())
    return {"$schema": DIALECT, "title": "kaigate guardrails.yaml", **schema}


def _without_title(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != "title"}
