import msgspec

from kaigate.config.models import GatewayConfig
from kaigate.config.show import effective, providers_view, settings_view
from support.configuration import TYPES

CANARY = "canary-0123456789"
CONFIG = GatewayConfig.model_validate_json(
    msgspec.json.encode(
        {
            "providers": {
                "openai": {"type": "openai", "api_key": "env:OPENAI_API_KEY", "headers": {"X-Tenant": CANARY}},
                "local": {"type": "vllm", "base_url": "http://vllm:8000/v1"},
            },
            "provider_models": {"local": ["gemma"]},
            "models": {"gpt-5": {"aliases": ["best"]}, "gemma3": {}},
            "keys": {"static": {"app": {"sha256": "ab" * 32}}, "master_key": "file:/run/master"},
            "guardrails": {"output": {"redaction": {"literals": [CANARY]}}},
        }
    )
)


def test_secrets_stay_references_and_everything_else_that_may_be_one_is_hidden():
    data = effective(CONFIG)
    assert data["providers"]["openai"]["api_key"] == "env:OPENAI_API_KEY"
    assert data["providers"]["openai"]["headers"] == {"X-Tenant": "***"}
    assert data["keys"]["master_key"] == "file:/run/master"
    assert data["keys"]["static"]["app"]["sha256"] == "***"
    assert data["guardrails"]["output"]["redaction"]["literals"] == ["***"]
    assert CANARY not in str(data)


def test_defaults_are_filled_in():
    assert effective(GatewayConfig())["server"]["port"] == 4000


def test_what_is_shown_is_plain_json():
    for data in (effective(CONFIG), providers_view(CONFIG, TYPES), settings_view(CONFIG)):
        assert CANARY.encode() not in msgspec.json.encode(data)


def test_providers_are_shown_with_their_defaults():
    assert providers_view(CONFIG, TYPES) == [
        {
            "name": "openai",
            "type": "openai",
            "base_url": "https://api.openai.com/v1",
            "zone": "external",
            "prefixes": ["gpt-3.5", "gpt-4", "gpt-5", "o1", "o3"],
        },
        {
            "name": "local",
            "type": "vllm",
            "base_url": "http://vllm:8000/v1",
            "zone": "private",
            "prefixes": ["gemma"],
        },
    ]


def test_settings_show_how_requests_are_routed():
    view = settings_view(CONFIG)
    assert view["routing"]["max_attempts"] == 2
    assert view["prefixes"]["gemma"] == ["local"]
    assert view["models"]["gpt-5"]["aliases"] == ["best"]
    assert "keys" not in view
