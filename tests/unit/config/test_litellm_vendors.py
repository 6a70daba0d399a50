"""Model strings of LiteLLM say which provider is meant."""

import pytest

from kaigate.config.litellm_vendors import VENDORS, base_url, meaning
from kaigate.providers.registry import ROWS


def test_every_vendor_has_a_type_that_exists():
    assert {vendor.type for vendor in VENDORS.values()} <= ROWS.keys()


@pytest.mark.parametrize(
    ("model", "custom", "base", "expected"),
    [
        ("gpt-4o", None, None, ("openai", "gpt-4o")),
        ("o3-mini", None, None, ("openai", "o3-mini")),
        ("claude-3-5-haiku", None, None, ("anthropic", "claude-3-5-haiku")),
        ("openai/gpt-4o", None, "https://api.openai.com/v1", ("openai", "gpt-4o")),
        ("openai/a/b", None, "http://vllm:8000/v1", ("openai_compatible", "a/b")),
        ("mine", None, "http://vllm:8000/v1", ("openai_compatible", "mine")),
        ("azure/deployment", None, None, ("azure", "deployment")),
        ("ollama_chat/llama3:8b", None, None, ("ollama", "llama3:8b")),
        ("together_ai/meta/llama", None, None, ("together", "meta/llama")),
        ("llama3", "ollama", None, ("ollama", "llama3")),
        ("anthropic.claude-v2", None, None, ("bedrock", "anthropic.claude-v2")),
    ],
)
def test_a_model_string_names_provider_and_model(model, custom, base, expected):
    found = meaning(model, custom, base)
    assert found is not None
    assert (found.vendor.type, found.model) == expected


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("bedrock/eu-west-1/amazon.nova-lite-v1:0", ("amazon.nova-lite-v1:0", "eu-west-1")),
        ("bedrock/converse/us.anthropic.claude-v2", ("us.anthropic.claude-v2", None)),
        ("bedrock/converse/us-gov-west-1/m", ("m", "us-gov-west-1")),
        (
            "bedrock/arn:aws:bedrock:us-east-1:1:inference-profile/x",
            ("arn:aws:bedrock:us-east-1:1:inference-profile/x", None),
        ),
    ],
)
def test_bedrocks_routes_and_regions_are_taken_apart(model, expected):
    found = meaning(model, None, None)
    assert found is not None
    assert (found.vendor.type, found.model, found.region) == ("bedrock", *expected)


@pytest.mark.parametrize(
    ("model", "base"),
    [
        ("vertex_ai/gemini", None),
        ("sagemaker/x", "https://h"),
        ("mine", None),
        ("openai/", None),
        ("bedrock/eu-west-1/", None),
    ],
)
def test_what_is_not_known_here_means_nothing(model, base):
    assert meaning(model, None, base) is None


@pytest.mark.parametrize(
    ("kind", "url", "expected"),
    [
        ("anthropic", "https://api.anthropic.com/v1/messages", "https://api.anthropic.com"),
        ("anthropic", "https://proxy/anthropic/v1/", "https://proxy/anthropic"),
        ("ollama", "http://h:11434/v1", "http://h:11434"),
        ("ollama", "http://h:11434/api/", "http://h:11434"),
        ("vllm", "http://h/v1/chat/completions", "http://h/v1"),
        ("azure", "https://h.openai.azure.com/", "https://h.openai.azure.com"),
    ],
)
def test_addresses_lose_what_the_adapter_adds(kind, url, expected):
    assert base_url(kind, url) == expected
