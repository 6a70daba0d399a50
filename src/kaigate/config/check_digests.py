"""Cross-checks of pinned models: a digest stands where somebody reports one."""

from collections.abc import Iterable
from typing import Final

from kaigate.config.findings import Findings
from kaigate.config.models import GatewayConfig
from kaigate.config.patterns import is_glob
from kaigate.config.prefixes import prefix_table, providers_for
from kaigate.config.problems import KeyPath, shown

OLLAMA: Final = "ollama"
"""The type of the only providers that report digests."""


def check_digests(config: GatewayConfig, findings: Findings) -> None:
    """Whether each digest belongs to one model of a provider that reports digests."""
    prefixes = prefix_table(config)
    for name, settings in config.models.items():
        path: KeyPath = ("models", name)
        pinned = settings.digest is not None
        if pinned and is_glob(name):
            findings.error((*path, "digest"), "a glob names many models: pin each under its own name")
        elif pinned and not settings.deployments:
            _check((*path, "digest"), providers_for(prefixes, name), config, findings)
        elif pinned:
            inheriting = (item.provider for item in settings.deployments if item.digest is None)
            _check((*path, "digest"), inheriting, config, findings)
        for index, item in enumerate(settings.deployments):
            place = (*path, "deployments", index, "digest")
            if item.digest is not None and is_glob(name):
                findings.error(place, "a glob names many models: pin each under its own name")
            elif item.digest is not None:
                _check(place, (item.provider,), config, findings)


def _check(path: KeyPath, providers: Iterable[str], config: GatewayConfig, findings: Findings) -> None:
    for provider in dict.fromkeys(providers):
        settings = config.providers.get(provider)
        if settings is not None and settings.type != OLLAMA:
            findings.error(
                path,
                f'"{shown(provider)}" is of type {shown(settings.type)}, which reports no digests: leave the digest '
                f"out there, or serve the model from a provider of type {OLLAMA}",
            )
            return
