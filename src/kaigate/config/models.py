"""The configuration file's models: what may be written, with defaults and bounds.

Unknown keys are errors (`extra="forbid"`). Durations are seconds, sizes are bytes. Secrets are `SecretRef`s
(`env:NAME` or `file:/path`); a literal secret in a file is refused so that it can't reach version control.
"""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from kaigate.config.secrets import SecretRef

Seconds = Annotated[float, Field(gt=0, le=86_400)]
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
MIN_KEY_BYTES: Final = 8
MAX_KEY_BYTES: Final = 512
# Names become metric labels, header values and path steps.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
ModelName = Annotated[str, Field(pattern=r"^[!-~]+$", max_length=256)]


class Section(BaseModel):
    """A mapping of the file: strict, immutable, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, protected_namespaces=())


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


class ProviderSettings(Section):
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
    drop_params: bool = Field(
        default=False, description="Leave out parameters that the upstream lacks instead of refusing."
    )


Usd = Annotated[float, Field(ge=0, le=1_000_000_000)]
BudgetWindow = Annotated[str, Field(pattern=r"^(day|week|month|[1-9][0-9]{0,2}d)$")]


class LimitSettings(Section):
    """Limits of one scope. 0 forbids, null inherits where something is inherited and means no limit elsewhere."""

    rpm: Annotated[int, Field(ge=0, le=10_000_000)] | None = Field(
        default=None, description="Requests in any 60 seconds."
    )
    tpm: Annotated[int, Field(ge=0, le=10_000_000_000)] | None = Field(
        default=None, description="Tokens in any 60 seconds, input and output."
    )
    parallel: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        default=None, description="Requests at the same time."
    )
    budget_usd: Usd | None = Field(default=None, description="Dollars per budget window.")
    budget_window: BudgetWindow | None = Field(
        default=None, description="day, week, month or a number of days such as 30d; windows begin at midnight UTC."
    )


class KeyLimits(LimitSettings):
    """Limits of a key that says nothing else."""

    rpm: Annotated[int, Field(ge=0, le=10_000_000)] | None = Field(
        default=60, description="Requests in any 60 seconds; null for no limit."
    )
    tpm: Annotated[int, Field(ge=0, le=10_000_000_000)] | None = Field(
        default=100_000, description="Tokens in any 60 seconds, input and output; null for no limit."
    )
    parallel: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        default=5, description="Requests at the same time; null for no limit."
    )
    budget_usd: Usd | None = Field(default=10.0, description="Dollars per budget window; null for no limit.")
    budget_window: BudgetWindow = Field(
        default="30d", description="day, week, month or a number of days; windows begin at midnight UTC."
    )
    max_input_tokens: Annotated[int, Field(ge=1)] | None = Field(
        default=8192, description="Ceiling of input tokens; null for none but the model's."
    )


class LimitsSettings(Section):
    """How much may be used, by whom and of what; every bound of a request is checked in one atomic step."""

    enabled: bool = Field(default=True, description="Enforce limits and account for usage.")
    defaults: KeyLimits = Field(default=KeyLimits(), description="For every key that has none of its own.")
    presets: dict[Name, KeyLimits] = Field(default={}, description="Named limits for keys, such as batch work.")
    teams: dict[Name, LimitSettings] = Field(default={}, description="For all keys of a team together.")
    users: LimitSettings = Field(default=LimitSettings(), description="For each end user of a key (x-kaigate-user).")
    models: dict[ModelName, LimitSettings] = Field(default={}, description="For all callers of a model together.")
    providers: dict[Name, LimitSettings] = Field(default={}, description="For all calls to a provider together.")
    soft_share: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.8, description="Share of a limit from which on a warning is logged and counted."
    )
    reservation_s: Annotated[float, Field(ge=5, le=3600)] = Field(
        default=30, description="Time after which a reservation without heartbeat is charged."
    )
    default_output_tokens: Annotated[int, Field(ge=1)] = Field(
        default=4096, description="Output ceiling sent upstream where neither client nor model sets one."
    )
    allow_unpriced: bool = Field(default=False, description="Serve models without a known price, at no cost.")
    on_store_failure: Literal["local", "closed", "open"] = Field(
        default="local", description="Without Redis: limits divided by replicas, refuse, or let pass."
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


class RoutingSettings(Section):
    """How candidates are tried."""

    max_attempts: Annotated[int, Field(ge=1, le=10)] = Field(default=2, description="Upstream attempts of one request.")
    max_answer_bytes: Annotated[int, Field(ge=65_536, le=1 << 30)] = Field(
        default=64 * 1024 * 1024, description="Largest answer that is read from an upstream."
    )
    proxy_hosts: tuple[str, ...] | None = Field(
        default=None, description="Hosts that HTTPS_PROXY may name; without the key any. Private providers use none."
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
