"""Small configurations for tests: files written from text, and provider types without the registry."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kaigate.config.check import check
from kaigate.config.load import load
from kaigate.config.loaded import LoadedConfig
from kaigate.config.problems import ConfigError


@dataclass(frozen=True)
class Row:
    """A provider type's defaults."""

    base_url: str | None
    zone: Literal["private", "external"]


TYPES: Mapping[str, Row] = {
    "openai": Row("https://api.openai.com/v1", "external"),
    "ollama": Row("http://127.0.0.1:11434", "private"),
    "vllm": Row(None, "private"),
    "openai_compatible": Row(None, "external"),
}


def write(folder: Path, text: str, name: str = "gateway.yaml") -> Path:
    """Write a dedented file; its path."""
    path = folder / name
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def load_text(folder: Path, text: str, env: Mapping[str, str] | None = None) -> LoadedConfig:
    """Load and cross-check a configuration given as text."""
    return check(load(write(folder, text), env or {}), TYPES)


def refused(folder: Path, text: str, env: Mapping[str, str] | None = None) -> list[str]:
    """The problems of a configuration given as text, without the folder in front."""
    try:
        load_text(folder, text, env)
    except ConfigError as error:
        return [str(problem).removeprefix(f"{folder}/") for problem in error.problems]
    raise AssertionError("the configuration was accepted")
