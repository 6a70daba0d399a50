"""Cross-checks of `store`: where state is kept, and whether several replicas can share it."""

from urllib.parse import urlsplit

from kaigate.config.findings import Findings
from kaigate.config.loaded import LoadedConfig
from kaigate.config.problems import KeyPath
from kaigate.config.secrets import SecretRef

REDIS_SCHEMES = ("redis", "rediss", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster")
DATABASE_SCHEMES = ("sqlite", "postgresql", "postgres")


def check_store(loaded: LoadedConfig, findings: Findings) -> None:
    """URLs, and what more than one replica needs."""
    config = loaded.config
    _check_url(("store", "redis", "url"), config.store.redis.url, REDIS_SCHEMES, loaded, findings)
    _check_url(("store", "database"), config.store.database, DATABASE_SCHEMES, loaded, findings)
    redis = config.store.redis
    if (redis.client_cert_file is None) != (redis.client_key_file is None):
        findings.error(("store", "redis"), "client_cert_file and client_key_file belong together", key=True)
    replicas = config.server.replicas
    if replicas > 1 and config.limits.enabled:
        path: KeyPath = ("server", "replicas")
        if redis.url is None:
            findings.error(path, f"{replicas} replicas share their counters in Valkey or Redis: set store.redis.url")
        database = _value(config.store.database, loaded)
        if config.store.database is None or (database is not None and database.startswith("sqlite")):
            findings.error(path, f"{replicas} replicas share their keys in PostgreSQL: set store.database")
        if config.keys.pepper is None:
            findings.error(path, f"{replicas} replicas hash their keys with one secret: set keys.pepper")


def _check_url(
    path: KeyPath, url: SecretRef | str | None, schemes: tuple[str, ...], loaded: LoadedConfig, findings: Findings
) -> None:
    value = _value(url, loaded)
    if value is None:
        return
    try:
        parts = urlsplit(value)
        password = parts.password
    except ValueError:
        findings.error(path, "is not a URL")
        return
    if parts.scheme.partition("+")[0] not in schemes and parts.scheme not in schemes:
        findings.error(path, f"must begin with one of {', '.join(scheme + '://' for scheme in schemes)}")
    if password is not None and not isinstance(url, SecretRef):
        findings.error(path, f"has a password in it: {SecretRef.HELP}")


def _value(url: SecretRef | str | None, loaded: LoadedConfig) -> str | None:
    if isinstance(url, SecretRef):
        # Not resolved where the configuration is checked without its secrets.
        return loaded.secret(url) if url in loaded.secrets else None
    return url
