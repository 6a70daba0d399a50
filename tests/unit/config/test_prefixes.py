import pytest

from kaigate.config.models import GatewayConfig, ProviderSettings
from kaigate.config.prefixes import named_by, prefix_table, providers_for


def config(providers: dict[str, str], prefixes: dict[str, tuple[str, ...]] | None = None) -> GatewayConfig:
    return GatewayConfig(
        providers={name: ProviderSettings(type=kind) for name, kind in providers.items()},
        provider_models=prefixes or {},
    )


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("gpt-5-mini", "openai"),
        ("gpt-4o", "openai"),
        ("gpt-3.5-turbo", "openai"),
        ("o1", "openai"),
        ("o3-mini", "openai"),
        ("claude-sonnet", "anthropic"),
        ("amazon.nova", "bedrock"),
        ("anthropic.claude-3", "bedrock"),
        ("meta.llama3", "bedrock"),
        ("llama3.2:3b", "ollama"),
        ("mistral", "ollama"),
        ("codellama", "ollama"),
        ("phi4", "ollama"),
        ("qwen2.5", "ollama"),
    ],
)
def test_default_prefixes_pick_the_published_provider(model, provider):
    everyone = config({name: name for name in ("openai", "anthropic", "bedrock", "ollama")})
    assert providers_for(prefix_table(everyone), model) == (provider,)


def test_a_prefix_given_to_an_absent_provider_is_not_taken_by_another():
    assert providers_for(prefix_table(config({"ollama": "ollama"}, {"bedrock": ("llama",)})), "llama3") == ()


def test_the_longest_prefix_wins():
    table = prefix_table(config({"a": "vllm", "b": "vllm"}, {"a": ("llama",), "b": ("llama3",)}))
    assert providers_for(table, "llama2") == ("a",)
    assert providers_for(table, "llama3.2") == ("b",)
    assert providers_for(table, "gpt-5") == ()


def test_default_prefixes_reach_a_provider_of_that_type_under_any_name():
    assert providers_for(prefix_table(config({"local": "ollama"})), "llama3") == ("local",)


def test_prefixes_of_absent_providers_are_left_out():
    assert prefix_table(config({"openai": "openai"}, {"bedrock": ("amazon",)})).keys() == {
        "gpt-5",
        "gpt-4",
        "gpt-3.5",
        "o1",
        "o3",
    }


@pytest.mark.parametrize("key", ["local", "ollama"])
def test_configured_prefixes_replace_the_defaults_of_their_provider(key):
    table = prefix_table(config({"local": "ollama"}, {key: ("gemma",)}))
    assert dict(table) == {"gemma": ("local",)}


def test_a_configured_prefix_beats_the_same_default():
    table = prefix_table(config({"ollama": "ollama", "fast": "vllm"}, {"fast": ("llama",)}))
    assert providers_for(table, "llama3") == ("fast",)
    assert providers_for(table, "qwen2") == ("ollama",)


def test_a_name_means_the_provider_before_the_type():
    named = config({"ollama": "vllm", "other": "ollama"})
    assert named_by(named, "ollama") == ("ollama",)
    assert named_by(config({"a": "ollama", "b": "ollama"}), "ollama") == ("a", "b")
