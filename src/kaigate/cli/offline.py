"""A cross-checked configuration without its secrets: for commands that look at it and connect to nothing."""

from dataclasses import replace
from pathlib import Path

from kaigate.cli.read import find
from kaigate.config.check import check
from kaigate.config.loaded import LoadedConfig, references
from kaigate.config.secrets import Secret
from kaigate.providers.registry import ROWS


def offline(option: Path | None) -> LoadedConfig:
    """The configuration; every secret is a placeholder. Raises `ConfigError`."""
    loaded = check(find(option, resolve_secrets=False).loaded, ROWS, read_files=False)
    return replace(loaded, secrets={reference: Secret("unresolved") for _, reference in references(loaded.config)})
