"""Where the database is: named by the environment or the configuration, else a file in the user's data folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kaigate.config.load import DATABASE_VARIABLE
from kaigate.config.models import GatewayConfig
from kaigate.config.secrets import Secret, SecretRef

DATABASE_FILE: Final = "kaigate.db"


def database_url(config: GatewayConfig, env: Mapping[str, str], secrets: Mapping[SecretRef, Secret]) -> str:
    """`KAIGATE_DATABASE_URL`, else `store.database`, else SQLite's `kaigate.db` in `data_dir`.

    The URL may hold a password: it is for the engine only. Raises KeyError for a reference that is not resolved.
    """
    given = env.get(DATABASE_VARIABLE)
    if given:
        return given
    configured = config.store.database
    if isinstance(configured, SecretRef):
        return secrets[configured].reveal()
    return configured or f"sqlite:///{data_dir(config, env) / DATABASE_FILE}"


def data_dir(config: GatewayConfig, env: Mapping[str, str]) -> Path:
    """`store.data_dir`, else the user's data folder (XDG Base Directory Specification), always absolute."""
    if config.store.data_dir is not None:
        return Path(config.store.data_dir).absolute()
    base = env.get("XDG_DATA_HOME") or Path(env.get("HOME", "/var/lib")) / ".local" / "share"
    return Path(base).absolute() / "kaigate"


def make_data_dir(config: GatewayConfig, env: Mapping[str, str]) -> Path:
    """`data_dir`, made for its owner alone where it is missing. Blocking; raises OSError."""
    folder = data_dir(config, env)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
