"""What the informative routes show: models, configuration, providers, settings. Never a secret."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

import msgspec

from kaigate.config.loaded import LoadedConfig
from kaigate.config.routing_settings import Capability
from kaigate.config.show import effective, providers_view, settings_view
from kaigate.errors import UnavailableError
from kaigate.pipeline.plan import ModelEntry
from kaigate.pipeline.principal import Principal
from kaigate.providers import registry
from kaigate.routing.catalogue import Catalogue
from kaigate.routing.health import HealthBook
from kaigate.stages.inform import View
from kaigate.store.errors import StoreError
from kaigate.store.redis.client import Redis
from kaigate.surfaces import ollama_models, openai_models
from kaigate.transport.http import HttpClient

_CAPABILITIES: Final[Mapping[Capability, str]] = {"tools": "tools", "vision": "vision", "reasoning": "thinking"}
"""Ours to Ollama's."""
MAX_SHOWN: Final = 32
"""Deployments of one provider; a glob may have brought thousands."""


def views(
    loaded: LoadedConfig,
    catalogue: Catalogue,
    client: HttpClient,
    started_at: int,
    *,
    health: HealthBook,
    redis: Redis | None = None,
) -> Mapping[str, View]:
    """The view of each informative pipeline, by its name in the route table.

    `started_at` (seconds since the epoch) stands in as the creation time of models, which nobody here knows.
    """

    def entry(name: str) -> openai_models.ModelEntry:
        resolved = catalogue.resolve(name)
        return openai_models.ModelEntry(id=name, created=started_at, owned_by=resolved.deployments[0].provider.name)

    def models(principal: Principal, _: str) -> bytes:
        return openai_models.model_list(entry(name) for name in catalogue.visible_to(principal))

    def model(principal: Principal, name: str) -> bytes:
        resolved = catalogue.resolve(name)
        if not principal.may_use(resolved.name):
            # One answer for what does not exist and what is not yours: the list is no one else's business.
            raise catalogue.not_listed()
        return openai_models.model(entry(name))

    def providers(_principal: Principal, _: str) -> bytes:
        pools = [asdict(pool) for pool in client.stats()]
        listed = providers_view(loaded.config, registry.ROWS)
        for row in listed:
            row["health"] = provider_health(row["name"], health)
        return encode({"providers": listed, "connections": pools})

    def ollama_model(name: str) -> ollama_models.OllamaModel:
        return known_to_ollama(name, catalogue.resolve(name), started_at)

    def tags(principal: Principal, _: str) -> bytes:
        return ollama_models.tags_body(ollama_model(name) for name in catalogue.visible_to(principal))

    def running(principal: Principal, _: str) -> bytes:
        return ollama_models.ps_body(ollama_model(name) for name in catalogue.visible_to(principal))

    def show(principal: Principal, name: str) -> bytes:
        if not principal.may_use(catalogue.resolve(name).name):
            raise catalogue.not_listed()
        return ollama_models.show_body(ollama_model(name))

    encode = msgspec.json.encode
    config = encode({"hash": loaded.hash, "config": effective(loaded.config)})
    settings = encode(settings_view(loaded.config))
    return {
        "models": models,
        "model": model,
        "ollama_tags": tags,
        "ollama_ps": running,
        "ollama_show": show,
        "ollama_version": lambda _principal, _: ollama_models.version_body(),
        "ollama_management": managed,
        "config": lambda _principal, _: config,
        "providers": providers,
        "settings": lambda _principal, _: settings,
        "redis-test": lambda _principal, _: _redis_test(redis, loaded.config.store.redis.key_prefix),
    }


def managed(_principal: Principal, _: str) -> bytes:
    """Ollama's routes that change which models there are: whoever asks is told that nobody may."""
    raise ollama_models.management_refusal()


def known_to_ollama(name: str, entry: ModelEntry, modified: int) -> ollama_models.OllamaModel:
    """An allowed model in Ollama's terms: its smallest window, its first pinned digest, and what it is not denied.

    Clients offer tools, images and thinking only to models that say that they take them.
    """
    windows = [each.context_tokens for each in entry.deployments if each.context_tokens is not None]
    able = [word for need, word in _CAPABILITIES.items() if any(need not in each.lacks for each in entry.deployments)]
    pins = [each.pin.digest for each in entry.deployments if each.pin is not None]
    return ollama_models.OllamaModel(
        name=name,
        modified=modified,
        digest=pins[0] if pins else "",
        context_tokens=min(windows, default=None),
        capabilities=("completion", *able),
    )


def provider_health(name: str, health: HealthBook) -> dict[str, object]:
    """How a provider's deployments have been doing; at most `MAX_SHOWN` of them, those in trouble first."""
    known = [msgspec.structs.asdict(each) for each in health.standings() if each.provider == name]
    known.sort(key=lambda each: each["state"] == "closed")
    return {"up": name not in health.down, "deployments": known[:MAX_SHOWN]}


async def _redis_test(redis: Redis | None, prefix: str) -> bytes:
    """Proves a round trip: what is written is read back. Raises `UnavailableError` where it fails."""
    if redis is None:
        return msgspec.json.encode({"status": "not_configured", "store": "memory"})
    mark = secrets.token_hex(16)
    key = f"{{{prefix}}}:test:{mark}"
    try:
        began = time.perf_counter()
        await redis.command("SET", key, mark, "PX", 10_000)
        found = await redis.command("GET", key)
        seconds = time.perf_counter() - began
    except StoreError as error:
        raise UnavailableError(
            "store_unavailable", f"Valkey or Redis does not answer: {error}", retry_after=1
        ) from None
    if found != mark.encode():
        raise UnavailableError("store_unavailable", "Valkey or Redis does not give back what was written to it.")
    return msgspec.json.encode({"status": "healthy", "latency_ms": round(seconds * 1000, 3)})
