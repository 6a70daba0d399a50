"""Which provider serves a model name that says nothing else: by the longest configured prefix."""

from collections.abc import Mapping
from typing import Final

from kaigate.config.models import GatewayConfig

DEFAULT_PREFIXES: Final[Mapping[str, tuple[str, ...]]] = {
    "openai": ("gpt-5", "gpt-4", "gpt-3.5", "o1", "o3"),
    "anthropic": ("claude",),
    "bedrock": ("amazon", "anthropic.claude", "meta.llama"),
    "ollama": ("llama", "mistral", "codellama", "phi", "qwen"),
}

PrefixTable = Mapping[str, tuple[str, ...]]


def named_by(config: GatewayConfig, key: str) -> tuple[str, ...]:
    """The providers that a key of `provider_models` means: the one of that name, else all of that type."""
    if key in config.providers:
        return (key,)
    return tuple(name for name, settings in config.providers.items() if settings.type == key)


def prefix_table(config: GatewayConfig) -> PrefixTable:
    """Prefix -> names of configured providers. More than one name means that the prefix alone does not decide.

    A provider that `provider_models` mentions, by name or by type, has those prefixes and no default ones.
    """
    table: dict[str, tuple[str, ...]] = {}
    mentioned: set[str] = set()
    for key, prefixes in config.provider_models.items():
        providers = named_by(config, key)
        mentioned.update(providers)
        for prefix in prefixes:
            table[prefix] = tuple(dict.fromkeys((*table.get(prefix, ()), *providers)))
    # A prefix given to an absent provider is not handed to another one by default.
    chosen = frozenset(table)
    for key, prefixes in DEFAULT_PREFIXES.items():
        providers = tuple(name for name in named_by(config, key) if name not in mentioned)
        for prefix in prefixes:
            if providers and prefix not in chosen:
                table[prefix] = (*table.get(prefix, ()), *providers)
    return {prefix: providers for prefix, providers in table.items() if providers}


def providers_for(table: PrefixTable, model: str) -> tuple[str, ...]:
    """Providers of the longest prefix of `model`; () where no prefix fits."""
    best = max((prefix for prefix in table if model.startswith(prefix)), key=len, default=None)
    return () if best is None else table[best]
