"""A gateway without a file: providers, allowlist and key from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlunsplit

from kaigate.config.aws_region import API_KEY_VARIABLE, BEDROCK, region_of
from kaigate.config.document import Document, Mark
from kaigate.config.load import MASTER_KEY_VARIABLE, with_variables
from kaigate.config.loaded import LoadedConfig, ServerOverrides, config_hash, references
from kaigate.config.models import GatewayConfig, KeySettings, ModelSettings, ProviderSettings
from kaigate.config.prefixes import DEFAULT_PREFIXES
from kaigate.config.problems import ConfigError, Problem
from kaigate.config.secrets import Secret, SecretError, SecretRef, resolve

SOURCE: Final = "environment"
OLLAMA_PORT: Final = 11434
OLLAMA_LOCAL: Final = f"http://127.0.0.1:{OLLAMA_PORT}"
_API_KEYS: Final[Mapping[str, str]] = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}

AWS_VARIABLES: Final = (
    API_KEY_VARIABLE,
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
"""Any of these says that there are AWS credentials. A default profile alone does not mean that Bedrock is wanted."""


@dataclass(frozen=True, slots=True)
class FromEnvironment:
    """A configuration without a file; `generated_key` is to be told once, None where the environment gave a key."""

    loaded: LoadedConfig
    generated_key: str | None


def from_environment(
    env: Mapping[str, str],
    *,
    local_ollama: bool,
    new_key: str,
    no_credentials: str | None = None,
    overrides: ServerOverrides | None = None,
) -> FromEnvironment:
    """Providers from the vendors' own variables; their default prefixes as globs are the allowlist.

    `local_ollama` says that an Ollama answers at its default address, where `OLLAMA_HOST` is not set, `no_credentials`
    why none of AWS can be used. `new_key` becomes the master key unless `KAIGATE_MASTER_KEY` gives one. Raises
    `ConfigError` where nothing can be served.
    """
    warnings: list[str] = []
    providers: dict[str, ProviderSettings] = {}
    for name, variable in _API_KEYS.items():
        if env.get(variable):
            providers[name] = ProviderSettings(type=name, api_key=SecretRef("env", variable))
    aws = aws_variable(env)
    if aws is not None:
        problem = _no_region(env) or no_credentials
        if problem is None:
            providers[BEDROCK] = ProviderSettings(type=BEDROCK)
        else:
            warnings.append(f"{aws} is set, but Bedrock is not served: {problem}")
    if env.get("OLLAMA_HOST", "").strip():
        providers["ollama"] = ProviderSettings(type="ollama", base_url=ollama_url(env["OLLAMA_HOST"]))
    elif local_ollama:
        providers["ollama"] = ProviderSettings(type="ollama", base_url=OLLAMA_LOCAL)
    if not providers:
        message = (
            "no provider found: set OPENAI_API_KEY, ANTHROPIC_API_KEY, AWS credentials with AWS_REGION, "
            "or OLLAMA_HOST, start Ollama, or give a file with --config"
        )
        raise ConfigError(Problem(SOURCE, 0, 0, "", text) for text in (message, *warnings))
    master_key = SecretRef("env", MASTER_KEY_VARIABLE)
    given = bool(env.get(MASTER_KEY_VARIABLE))
    config = GatewayConfig(
        providers=providers,
        models={f"{prefix}*": ModelSettings() for name in providers for prefix in DEFAULT_PREFIXES[name]},
        keys=KeySettings(master_key=master_key),
    )
    config = (overrides or ServerOverrides()).apply(with_variables(config, env))
    secrets = _resolved(config, env, master_key=None if given else Secret(new_key))
    loaded = LoadedConfig(
        config=config,
        secrets=secrets,
        hash=config_hash(config),
        warnings=tuple(warnings),
        overrides=overrides or ServerOverrides(),
        document=Document({}, values={(): Mark(SOURCE, 0, 0)}),
    )
    return FromEnvironment(loaded, None if given else new_key)


def _resolved(config: GatewayConfig, env: Mapping[str, str], *, master_key: Secret | None) -> dict[SecretRef, Secret]:
    secrets: dict[SecretRef, Secret] = {}
    if master_key is not None and config.keys.master_key is not None:
        secrets[config.keys.master_key] = master_key
    try:
        secrets.update({ref: resolve(ref, env) for _, ref in references(config) if ref not in secrets})
    except SecretError as error:
        raise ConfigError([Problem(SOURCE, 0, 0, "", str(error))]) from None
    return secrets


def aws_variable(env: Mapping[str, str]) -> str | None:
    """The first variable that says that there are AWS credentials."""
    return next((name for name in AWS_VARIABLES if env.get(name)), None)


def _no_region(env: Mapping[str, str]) -> str | None:
    return None if region_of(env) else "no region is named, set AWS_REGION"


def ollama_url(value: str) -> str:
    """The base URL that `OLLAMA_HOST` means, by the rules of Ollama's own clients (envconfig.Host).

    `[scheme://]host[:port][/path]`; the port is 11434, or 80 and 443 where a scheme is given. An invalid port
    falls back to that default, and the addresses that mean "listen everywhere" become loopback.
    """
    text = value.strip().strip("\"'")
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "http", text
    default = {"http": "80", "https": "443"}.get(scheme, str(OLLAMA_PORT)) if separator else str(OLLAMA_PORT)
    authority, slash, path = rest.partition("/")
    host, port = _split(authority, default)
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (an address to avoid)
    netloc = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return urlunsplit((scheme, netloc, (slash + path).rstrip("/"), "", ""))


def _split(authority: str, default: str) -> tuple[str, str]:
    if authority.startswith("["):
        host, _, port = authority[1:].partition("]")
        port = port.removeprefix(":")
    elif authority.count(":") == 1:
        host, _, port = authority.partition(":")
    else:
        # A bare IPv6 address has several colons and no port.
        host, port = authority, ""
    valid = len(port) <= 5 and port.isascii() and port.isdigit() and 0 < int(port) <= 65_535
    return host, port if valid else default
