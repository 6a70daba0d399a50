"""Where a command's configuration comes from: a file, or the environment."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kaigate.clock import SystemClock
from kaigate.config.aws_region import API_KEY_VARIABLE, region_of
from kaigate.config.environment import OLLAMA_PORT, aws_variable, from_environment
from kaigate.config.load import config_path, load
from kaigate.config.loaded import LoadedConfig, ServerOverrides
from kaigate.keys.hashing import generate_key
from kaigate.transport.aws.chain import AwsKeys, credential_store
from kaigate.transport.egress import EgressGuard
from kaigate.transport.http import HttpClient

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
        no_credentials=_no_credentials(os.environ),
        overrides=overrides,
    )
    return Found(found.loaded, generated_key=found.generated_key)


def _no_credentials(env: Mapping[str, str]) -> str | None:
    """Why AWS credentials that the environment speaks of can't be used: a gateway without a file serves the others."""
    region = region_of(env)
    if region is None or aws_variable(env) is None or env.get(API_KEY_VARIABLE):
        return None
    try:
        credential_store(AwsKeys(region), env, HttpClient(guard=EgressGuard(())), SystemClock())
    except ValueError as error:
        return str(error)
    return None


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=_PROBE_S):
            return True
    except OSError:
        return False
