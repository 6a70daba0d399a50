"""Loaded configurations for tests of what is built from them."""

from pathlib import Path
from typing import Any

import yaml

from kaigate.app import assemble
from kaigate.config.check import check
from kaigate.config.load import load
from kaigate.config.loaded import LoadedConfig
from kaigate.providers.registry import ROWS
from kaigate.routing.upstream import BuiltProvider
from support.gateway import settings

KEY = "kg-unit-0123456789abcdef"


def loaded_from(folder: Path, **changes: Any) -> LoadedConfig:
    """A configuration with one upstream, one model and one key, changed in sections."""
    path = folder / "gateway.yaml"
    path.write_text(yaml.safe_dump(settings(9, **changes)))
    return check(load(path, {"TEST_KEY": KEY}), ROWS)


def upstreams_of(loaded: LoadedConfig) -> dict[str, BuiltProvider]:
    """The configuration's providers, built."""
    return assemble.upstreams(loaded)
