"""Where a command's configuration comes from: a file, or the environment."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kaigate.config.environment import OLLAMA_PORT, from_environment
from kaigate.config.load import config_path, load
from kaigate.config.loaded import LoadedConfig, ServerOverrides
from kaigate.keys.hashing import generate_key

_PROBE_S: Final = 0.3


@dataclass(frozen=True, slots=True)
class Found:
    """A configuration that is not cross-checked yet; `path` is None and a key may be generated without a file."""

    loaded: LoadedConfig
    path: Path | None = None
    generated_key: str | None = None


def find(option: Path | None, *, overrides: ServerOverrides | None = None, resolve_secrets: bool = True) -> Found:
    """Read the file given by `option` or `KAIGATE_CONFIG`, else the environment; raises `ConfigError`.

    Without a file, and where no Ollama is named, one on this machine is looked for.
    """
    path = config_path(option, os.environ)
    if path is not None:
        return Found(load(path, os.environ, overrides=overrides, resolve_secrets=resolve_secrets), path)
    found = from_environment(
        os.environ,
        local_ollama=not os.environ.get("OLLAMA_HOST", "").strip() and _answers("127.0.0.1", OLLAMA_PORT),
        new_key=generate_key(),
        overrides=overrides,
    )
    return Found(found.loaded, generated_key=found.generated_key)


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=_PROBE_S):
            return True
    except OSError:
        return False
