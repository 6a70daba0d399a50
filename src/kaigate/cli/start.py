"""From options to a running gateway: reads and checks the configuration, then serves."""

import os
import socket
from pathlib import Path
from typing import Final

from kaigate.cli.problems import refuse
from kaigate.config.check import check
from kaigate.config.environment import OLLAMA_PORT, FromEnvironment, from_environment
from kaigate.config.load import config_path, load
from kaigate.config.loaded import LoadedConfig
from kaigate.config.loaded import ServerOverrides as Overrides
from kaigate.config.problems import ConfigError
from kaigate.keys.hashing import generate_key
from kaigate.providers.registry import ROWS
from kaigate.serve import run

__all__ = ["Overrides", "start"]

_PROBE_S: Final = 0.3


def start(option: Path | None, overrides: Overrides) -> int:
    """Serve until stopped; the exit code. A configuration that is refused is 1, with every problem on stderr."""
    path = config_path(option, os.environ)
    generated_key: str | None = None
    try:
        if path is not None:
            loaded: LoadedConfig = check(load(path, os.environ, overrides=overrides), ROWS)
        else:
            found = without_file(overrides)
            loaded, generated_key = check(found.loaded, ROWS), found.generated_key
    except ConfigError as error:
        return refuse(error)
    return run(loaded, config_path=path, generated_key=generated_key)


def without_file(overrides: Overrides | None = None) -> FromEnvironment:
    """The configuration that the environment means; looks for an Ollama on this machine where none is named."""
    return from_environment(
        os.environ,
        local_ollama=not os.environ.get("OLLAMA_HOST", "").strip() and _answers("127.0.0.1", OLLAMA_PORT),
        new_key=generate_key(),
        overrides=overrides,
    )


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=_PROBE_S):
            return True
    except OSError:
        return False
