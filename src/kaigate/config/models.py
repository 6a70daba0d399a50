"""The configuration file's models: what may be written, with defaults and bounds.

Unknown keys are errors (`extra="forbid"`). Durations are seconds, sizes are bytes. Secrets are `SecretRef`s
(`env:NAME` or `file:/path`); a literal secret in a file is refused so that it can't reach version control.
"""

from typing import Annotated, Final, Literal

from pydantic import Field

from kaigate.config.aws_settings import AwsSettings
from kaigate.config.jwt_settings import JwtSettings
from kaigate.config.limit_settings import BudgetWindow, KeyLimits, LimitSettings, LimitsSettings, Usd
from kaigate.config.routing_settings import (
    Capabilities,
    HealthPath,
    HostedKind,
    PartRules,
    RoutingSettings,
    Strategy,
)
from kaigate.config.secrets import SecretRef
from kaigate.config.section import ModelName, Name, Seconds, Section

# Readers find all of the file's models here, wherever they are defined.
__all__ = [
    "BudgetWindow",
    "KeyLimits",
    "LimitSettings",
    "LimitsSettings",
    "ModelName",
    "Name",
    "RoutingSettings",
    "Seconds",
    "Section",
    "Usd",
]

Port = Annotated[int, Field(ge=0, le=65_535)]
Zone = Literal["private", "external"]
SecretType = Literal[
    "aws_key",
    "k8s_token",
    "jwt",
    "private_key",
    "connection_string",
    "api_key",
    "bearer_token",
    "hex_token",
    "possible_secret",
    "literal",
]
# As Ollama reports it, with or without the name of the hash.
Digest = Annotated[str, Field(pattern=r"^(sha256:)?[0-9a-f]{64}$")]
MIN_KEY_BYTES: Final = 8
MAX_KEY_BYTES: Final = 512


class ServerSettings(Section):
    """Listening addresses, limits of a client request, and the life cycle."""

    host: str = Field(default="127.0.0.1", description="Address of the API port; 0.0.0.0 in a container.")
    port: Port = Field(default=4000, description="API port; 0 picks a free one.")
    admin_host: str = Field(default="127.0.0.1", description="Address of the administration port.")
    admin_port: Port = Field(default=4001, description="Administration port (documentation, keys).")
    ops_host: str = Field(
        default="127.0.0.1", description="Address of the operations port; 0.0.0.0 for Prometheus in a pod."
    )
    ops_port: Port = Field(default=9090, description="Operations port (metrics, probes).")
    reuse_port: bool = Field(default=False, description="Share the ports with other kaigate processes (SO_REUSEPORT).")
    replicas: Annotated[int, Field(ge=1, le=10_000)] = Field(default=1, description="Replicas behind one Service.")
    max_body_bytes: Annotated[int, Field(ge=1024, le=1 << 30)] = Field(
        default=20 * 1024 * 1024, description="Largest request body."
    )
    max_header_bytes: Annotated[int, Field(ge=1024, le=1 << 20)] = Field(
        default=65_536, description="Largest request head."
    )
    max_json_depth: Annotated[int, Field(ge=4, le=512)] = Field(
        default=64, description="Deepest nesting of a request body."
    )
    body_timeout_s: Seconds = Field(
        default=30.0, description="Time for a client to send its body, and a second more for every 64 KiB of it."
    )
    write_timeout_s: Seconds = Field(default=60.0, description="A client that takes nothing for this long is cut off.")
    keep_alive_s: Seconds = Field(default=75.0, description="An idle client connection is closed after this.")
    max_connections: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=10_000, description="Client connections at once."
    )
    drain_delay_s: Annotated[float, Field(ge=0, le=3600)] = Field(
        default=5.0, description="After SIGTERM: readiness is 503, but new work is still served this long."
    )
    drain_timeout_s: Seconds = Field(default=600.0, description="Running answers may take this long to finish.")
    trusted_proxies: tuple[str, ...] = Field(
        default=(), description="Addresses or CIDR networks of proxies whose X-Forwarded-For is believed."
    )
    auth_failures_per_minute: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=30, description="Failed authentications of one client address before it is refused with 429."
    )


class TlsOptions(Section):
    """TLS towards an upstream; verification can't be switched off."""

    ca_file: str | None = Field(
        default=None, description="PEM file of the certificate authorities instead of the system's."
    )
    client_cert_file: str | None = Field(default=None, description="PEM file of the client certificate.")
    client_key_file: str | None = Field(default=None, description="PEM file of the client certificate's key.")
    server_name: str | None = Field(default=None, description="Name to send and verify where it differs from the host.")


class ProviderSettings(PartRules):
    """One upstream. `type` is a row of the provider registry; defaults of `base_url` and `zone` come from that row."""

    type: str = Field(description="Provider type: openai, ollama, vllm, llamacpp, openai_compatible, ...")
    base_url: str | None = Field(default=None, description="http(s)://host[:port][/path]; the type's own by default.")
    api_key: SecretRef | None = Field(default=None, description="The upstream's credential: env:NAME or file:/path.")
    api_version: str | None = Field(default=None, description="API version, where the upstream wants one (Azure).")
    organization: str | None = Field(default=None, description="OpenAI organization id.")
    zone: Zone | None = Field(default=None, description="private: prompts stay in your hands; external: they leave.")
    headers: dict[str, str] = Field(default={}, description="Further request headers; never for credentials.")
    connect_timeout_s: Seconds = Field(default=5.0, description="Time to connect, TLS included.")
    first_byte_timeout_s: Seconds = Field(default=120.0, description="Time until the answer's head arrives.")
    idle_timeout_s: Seconds = Field(default=60.0, description="Longest pause within an answer.")
    timeout_s: Seconds = Field(default=600.0, description="Longest time for a whole answer.")
    max_connections: Annotated[int, Field(ge=1, le=100_000)] = Field(default=256, description="Connections at once.")
    tls: TlsOptions = Field(default=TlsOptions(), description="TLS files and names.")
    aws: AwsSettings = Field(default=AwsSettings(), description="Region and credentials of Bedrock.")
    drop_params: bool = Field(
        default=False, description="Leave out parameters that the upstream lacks instead of refusing."
    )
    health_path: HealthPath | None = Field(
        default=None, description="Path below base_url that health checks ask, such as /models; none by default."
    )


class PriceSettings(Section):
    """Dollars per million tokens."""

    input: Usd = Field(description="Input tokens.")
    output: Usd = Field(description="Output tokens.")
    cached_input: Usd | None = Field(default=None, description="Input read from a cache; as input by default.")
    cache_write: Usd | None = Field(default=None, description="Input written to a cache; as input by default.")


class DeploymentSettings(Section):
    """One way to serve a model: a provider's name and the upstream's own model name."""

    provider: str = Field(description="A name under `providers`.")
    model: ModelName | None = Field(
        default=None, description="The upstream's name of the model; the entry's own by default."
    )
    weight: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=1, description="Share of the requests with strategy weighted; 0 takes it out of use."
    )
    order: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=0, description="Lower ones are tried first; the strategy decides among equals."
    )
    context_tokens: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Context window; the model's own by default."
    )
    capabilities: Capabilities | None = Field(default=None, description="Instead of the model's own.")
    digest: Digest | None = Field(
        default=None, description="Digest that Ollama must report, instead of the model's own: sha256:..."
    )


class ModelSettings(Section):
    """An entry of the allowlist. Without `deployments` the provider is picked by `provider_models` prefixes.

    `timeout_s` bounds the whole upstream call. `max_tokens` is the output ceiling sent upstream.
    """

    deployments: tuple[DeploymentSettings, ...] = Field(
        default=(), description="Ways to serve it, in the order of preference."
    )
    aliases: tuple[ModelName, ...] = Field(default=(), description="Further names that clients may use.")
    max_tokens: Annotated[int, Field(ge=1)] | None = Field(default=None, description="Ceiling of output tokens.")
    max_input_tokens: Annotated[int, Field(ge=1)] | None = Field(default=None, description="Ceiling of input tokens.")
    timeout_s: Seconds | None = Field(default=None, description="Longest time for a whole answer of this model.")
    private: bool = Field(default=False, description="Only providers of the private zone may serve it.")
    price: PriceSettings | None = Field(default=None, description="Its price, instead of the catalogue's.")
    strategy: Strategy | None = Field(default=None, description="Instead of routing.strategy.")
    fallbacks: tuple[ModelName, ...] = Field(
        default=(), description="Models to try when its own deployments fail, in this order, each with its own."
    )
    context_fallbacks: tuple[ModelName, ...] = Field(
        default=(), description="Models to try where a request does not fit into context_tokens."
    )
    context_tokens: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Context window of its deployments; unknown by default."
    )
    capabilities: Capabilities = Field(
        default=Capabilities(), description="What it can do; deployments that can't are left out."
    )
    hosted_tools: tuple[HostedKind, ...] = Field(
        default=(), description="Tools that the provider itself may run for it; none by default."
    )
    max_cost_usd: Usd | None = Field(default=None, description="Most that one request may cost, below routing's own.")
    digest: Digest | None = Field(
        default=None, description="Served only while Ollama reports this digest: sha256:... (`kaigate models pin`)."
    )


class RedactionOptions(Section):
    """Secret redaction of answers."""

    enabled: bool = Field(default=True, description="Search answers for secrets and redact them.")
    exceptions: tuple[str, ...] = Field(default=(), description="Patterns of known false positives, matched in full.")
    literals: tuple[Annotated[str, Field(min_length=4, max_length=256)], ...] = Field(
        default=(), description="Further texts to redact."
    )
    disabled_types: tuple[SecretType, ...] = Field(
        default=(), description="Types of secrets that are left as they are."
    )
    allow_checksums: bool = Field(
        default=True, description="Leave hex digests that are introduced as such (sha256:..., md5 ...)."
    )


class OutputGuardrails(Section):
    """What is enforced on answers."""

    redaction: RedactionOptions = Field(default=RedactionOptions(), description="Secret redaction.")


class GuardrailSettings(Section):
    """The guardrail file's content."""

    output: OutputGuardrails = Field(default=OutputGuardrails(), description="Guardrails on answers.")


class StaticKey(Section):
    """A key kept in the configuration: either the secret's reference or its SHA-256 in hex."""

    key: SecretRef | None = Field(default=None, description="Where the key is: env:NAME or file:/path.")
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        default=None, description="SHA-256 of the key, 64 lower-case hex digits, instead of `key`."
    )
    team: Name | Literal[""] = Field(default="", description="Team that the key belongs to.")
    models: tuple[ModelName, ...] | None = Field(
        default=None, description="Allowlist names or globs; all models by default."
    )
    private_only: bool = Field(default=False, description="Requests of this key stay on private providers.")
    limits: LimitSettings = Field(default=LimitSettings(), description="Instead of the defaults.")
    preset: Name | None = Field(default=None, description="A name under limits.presets, instead of limits.defaults.")


class AnonymousAccess(Section):
    """Requests without a key, for development only."""

    enabled: bool = Field(default=False, description="Serve requests that carry no key.")
    models: tuple[ModelName, ...] | None = Field(
        default=None, description="Allowlist names or globs; all models by default."
    )


class KeySettings(Section):
    """Who may call."""

    master_key: SecretRef | None = Field(
        default=None, description="The administrator's key; KAIGATE_MASTER_KEY overrides it."
    )
    pepper: SecretRef | None = Field(
        default=None,
        description="What the hashes of virtual keys are keyed with, the same on every replica; a file under data_dir "
        "that is made at the first start by default.",
    )
    static: dict[Name, StaticKey] = Field(default={}, description="Keys by name.")
    jwt: JwtSettings | None = Field(default=None, description="Tokens of an identity provider, instead of keys.")
    anonymous: AnonymousAccess = Field(default=AnonymousAccess(), description="Requests without a key.")


class TelemetrySettings(Section):
    """Logs and metrics."""

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is logged."
    )
    access_log: bool = Field(default=True, description="One log record per request.")


class RedisSettings(Section):
    """Valkey or Redis 6.2 and later."""

    url: SecretRef | str | None = Field(
        default=None,
        union_mode="left_to_right",
        description="redis://, rediss://, redis+sentinel:// or redis+cluster:// URL, or its reference; "
        "KAIGATE_REDIS_URL overrides it.",
    )
    timeout_ms: Annotated[int, Field(ge=1, le=1000)] = Field(default=50, description="Longest wait for an answer.")
    key_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,32}$")] = Field(
        default="kaigate", description="Prefix of every key."
    )
    ca_file: str | None = Field(default=None, description="PEM file of the CAs that sign the server.")
    client_cert_file: str | None = Field(default=None, description="PEM file of the client certificate.")
    client_key_file: str | None = Field(default=None, description="PEM file of the client's private key.")


class StoreSettings(Section):
    """Where state is kept: files, database, Valkey or Redis."""

    redis: RedisSettings = Field(default=RedisSettings(), description="Shared counters of several replicas.")
    database: SecretRef | str | None = Field(
        default=None,
        union_mode="left_to_right",
        description="Database URL (sqlite:///file, postgresql://...) or its reference; KAIGATE_DATABASE_URL overrides "
        "it. A file under data_dir by default.",
    )
    data_dir: str | None = Field(
        default=None, description="Directory of the local database; the user's data folder by default."
    )
    usage_retention_days: Annotated[int, Field(ge=1, le=3650)] = Field(
        default=90,
        description="Days for which the ledger keeps each single request and what it could not store; daily sums stay. "
        "A change needs a restart.",
    )
    cache_dir: str | None = Field(
        default=None, description="Directory of the compiled patterns; the user's cache by default."
    )


class GatewayConfig(Section):
    """The whole configuration: `gateway.yaml` with `guardrails.yaml` beside it."""

    server: ServerSettings = Field(default=ServerSettings(), description="Ports, bounds and life cycle.")
    providers: dict[Name, ProviderSettings] = Field(default={}, description="Upstreams by name.")
    provider_models: dict[Name, tuple[ModelName, ...]] = Field(
        default={}, description="Provider name or type -> model-name prefixes; the longest wins."
    )
    models: dict[ModelName, ModelSettings] = Field(default={}, description="The allowlist: model names or globs.")
    routing: RoutingSettings = Field(default=RoutingSettings(), description="How deployments are tried.")
    guardrails: GuardrailSettings = Field(default=GuardrailSettings(), description="Instead of the guardrail file.")
    keys: KeySettings = Field(default=KeySettings(), description="Who may call.")
    limits: LimitsSettings = Field(default=LimitsSettings(), description="How much may be used.")
    store: StoreSettings = Field(default=StoreSettings(), description="Database, Valkey or Redis, local files.")
    telemetry: TelemetrySettings = Field(default=TelemetrySettings(), description="Logs and metrics.")
