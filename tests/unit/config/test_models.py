import pytest
from pydantic import ValidationError

from kaigate.config.models import GatewayConfig, ServerSettings, StoreSettings


def test_defaults_are_the_published_ones():
    server = GatewayConfig().server
    assert (server.host, server.port, server.admin_port, server.ops_port) == ("127.0.0.1", 4000, 4001, 9090)
    assert server.admin_host == "127.0.0.1"


def test_settings_cannot_be_changed():
    with pytest.raises(ValidationError):
        GatewayConfig().server.port = 1


def test_text_is_not_coerced():
    with pytest.raises(ValidationError):
        ServerSettings.model_validate({"port": "8080"})


def test_every_field_is_described():
    for definition in GatewayConfig.model_json_schema()["$defs"].values():
        for name, field in definition["properties"].items():
            assert field.get("description"), f"{definition['title']}.{name}"


@pytest.mark.parametrize("days", [0, -1, 3651, 1.5, "90"])
def test_usage_is_kept_for_whole_days_within_bounds(days):
    assert StoreSettings(usage_retention_days=1).usage_retention_days == 1
    with pytest.raises(ValidationError):
        StoreSettings.model_validate({"usage_retention_days": days})
