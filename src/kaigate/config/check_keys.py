"""Cross-checks of `keys`: every key can be presented, is one caller, and may use something."""

import hashlib

from kaigate.config.findings import Findings
from kaigate.config.loaded import LoadedConfig
from kaigate.config.models import MAX_KEY_BYTES, MIN_KEY_BYTES, GatewayConfig
from kaigate.config.patterns import may_overlap
from kaigate.config.problems import KeyPath, shown, suggestion
from kaigate.config.secrets import SecretRef


def check_keys(loaded: LoadedConfig, findings: Findings) -> None:
    """Static keys, the master key and anonymous access."""
    config = loaded.config
    keys = config.keys
    owners: dict[str, str] = {}
    path: KeyPath = ("keys", "master_key")
    _claim(path, _digest(path, keys.master_key, loaded, findings), "the master key", owners, findings)
    for name, key in keys.static.items():
        path = ("keys", "static", name)
        if (key.key is None) == (key.sha256 is None):
            findings.error(path, "needs either key (env:NAME or file:/path) or sha256", key=True)
        digest = key.sha256 or _digest((*path, "key"), key.key, loaded, findings)
        _claim(path, digest, f"the key {shown(name)}", owners, findings)
        _check_models((*path, "models"), key.models, config, findings)
    _check_models(("keys", "anonymous", "models"), keys.anonymous.models, config, findings)
    if keys.anonymous.enabled:
        message = "whoever reaches the port needs no key: for development only"
        findings.warn(("keys", "anonymous", "enabled"), message)
    elif keys.master_key is None and not keys.static and keys.jwt is None:
        findings.warn(("keys",), "no key is configured: every request will be refused")


def _digest(path: KeyPath, reference: SecretRef | None, loaded: LoadedConfig, findings: Findings) -> str | None:
    if reference is None or reference not in loaded.secrets:
        return None
    value = loaded.secrets[reference].reveal()
    if not well_formed(value):
        bounds = f"{MIN_KEY_BYTES} to {MAX_KEY_BYTES}"
        findings.error(path, f"{reference}: a key has {bounds} printable ASCII characters and no spaces")
    return hashlib.sha256(value.encode()).hexdigest()


def _claim(path: KeyPath, digest: str | None, owner: str, owners: dict[str, str], findings: Findings) -> None:
    if digest is None:
        return
    if digest in owners:
        findings.error(path, f"is the same key as {owners[digest]}")
    owners.setdefault(digest, owner)


def well_formed(key: str) -> bool:
    """Whether a key can be sent in a header and found: 8 to 512 printable ASCII characters without spaces."""
    return MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES and key.isascii() and key.isprintable() and " " not in key


def _check_models(path: KeyPath, patterns: tuple[str, ...] | None, config: GatewayConfig, findings: Findings) -> None:
    aliases = {alias: name for name, settings in config.models.items() for alias in settings.aliases}
    for index, pattern in enumerate(patterns or ()):
        if any(may_overlap(pattern, name) for name in config.models):
            continue
        if pattern in aliases:
            findings.error((*path, index), f"is an alias: name the model itself, {shown(aliases[pattern])}")
        else:
            near = suggestion(pattern, config.models)
            findings.error((*path, index), f'"{shown(pattern)}" fits no model of the allowlist{near}')
