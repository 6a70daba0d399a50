"""The configuration file's models: what may be written, with defaults and bounds.

Unknown keys are errors (`extra="forbid"`). Durations are seconds, sizes are bytes. Secrets are `SecretRef`s
(`env:NAME` or `file:/path`); a literal secret in a file is refused so that it can't reach version control.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from kaigate.config.secrets import SecretRef

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Port = Annotated[int, Field(ge=0, le=65_535)]
Zone = Literal["private", "external"]


class Section(BaseModel):
    """A mapping of the file: strict, immutable, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, protected_namespaces=())


class ServerSettings(Section):
    """Listening addresses, limits of a client request, and the life cycle."""

    host: str = "127.0.0.1"
    port: Port = 4000
    admin_host: str = "127.0.0.1"
    admin_port: Port = 4001
    ops_host: str = "127.0.0.1"
    ops_port: Port = 9090
    reuse_port: bool = False
    replicas: Annotated[int, Field(ge=1, le=10_000)] = 1
    max_body_bytes: Annotated[int, Field(ge=1024, le=1 << 30)] = 20 * 1024 * 1024
    max_header_bytes: Annotated[int, Field(ge=1024, le=1 << 20)] = 65_536
    max_json_depth: Annotated[int, Field(ge=4, le=512)] = 64
    body_timeout_s: Seconds = 30.0
    keep_alive_s: Seconds = 75.0
    max_connections: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    drain_delay_s: Annotated[float, Field(ge=0, le=3600)] = 5.0
    drain_timeout_s: Seconds = 600.0
    trusted_proxies: tuple[str, ...] = ()
    auth_failures_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 30


class TlsOptions(Section):
    """TLS towards an upstream; verification can't be switched off."""

    ca_file: str | None = None
    client_cert_file: str | None = None
    client_key_file: str | None = None
    server_name: str | None = None


class ProviderSettings(Section):
    """One upstream. `type` is a row of the provider registry; defaults of `base_url` and `zone` come from that row."""

    type: str
    base_url: str | None = None
    api_key: SecretRef | None = None
    api_version: str | None = None
    organization: str | None = None
    zone: Zone | None = None
    headers: dict[str, str] = {}
    connect_timeout_s: Seconds = 5.0
    first_byte_timeout_s: Seconds = 120.0
    idle_timeout_s: Seconds = 60.0
    timeout_s: Seconds = 600.0
    max_connections: Annotated[int, Field(ge=1, le=100_000)] = 256
    tls: TlsOptions = TlsOptions()
    drop_params: bool = False


class DeploymentSettings(Section):
    """One way to serve a model: a provider's name and the upstream's own model name."""

    provider: str
    model: str | None = None


class ModelSettings(Section):
    """An entry of the allowlist. Without `deployments` the provider is picked by `provider_models` prefixes.

    `timeout_s` bounds the whole upstream call. `max_tokens` is the output ceiling sent upstream.
    """

    deployments: tuple[DeploymentSettings, ...] = ()
    aliases: tuple[str, ...] = ()
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_input_tokens: Annotated[int, Field(ge=1)] | None = None
    timeout_s: Seconds | None = None
    private: bool = False


class RoutingSettings(Section):
    """How candidates are tried."""

    max_attempts: Annotated[int, Field(ge=1, le=10)] = 2


class RedactionOptions(Section):
    """Secret redaction of answers."""

    enabled: bool = True
    exceptions: tuple[str, ...] = ()
    literals: tuple[str, ...] = ()
    disabled_types: tuple[str, ...] = ()


class OutputGuardrails(Section):
    """What is enforced on answers."""

    redaction: RedactionOptions = RedactionOptions()


class GuardrailSettings(Section):
    """The guardrail file's content."""

    output: OutputGuardrails = OutputGuardrails()


class StaticKey(Section):
    """A key kept in the configuration: either the secret's reference or its SHA-256 in hex."""

    key: SecretRef | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    team: str = ""
    models: tuple[str, ...] | None = None
    private_only: bool = False


class AnonymousAccess(Section):
    """Requests without a key, for development only."""

    enabled: bool = False
    models: tuple[str, ...] | None = None


class KeySettings(Section):
    """Who may call."""

    master_key: SecretRef | None = None
    static: dict[str, StaticKey] = {}
    anonymous: AnonymousAccess = AnonymousAccess()


class TelemetrySettings(Section):
    """Logs and metrics."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    access_log: bool = True


class StoreSettings(Section):
    """Where compiled patterns are cached; shared state comes with limits."""

    cache_dir: str | None = None


class GatewayConfig(Section):
    """The whole configuration: `gateway.yaml` with `guardrails.yaml` beside it."""

    server: ServerSettings = ServerSettings()
    providers: dict[str, ProviderSettings] = {}
    provider_models: dict[str, tuple[str, ...]] = {}
    models: dict[str, ModelSettings] = {}
    routing: RoutingSettings = RoutingSettings()
    guardrails: GuardrailSettings = GuardrailSettings()
    keys: KeySettings = KeySettings()
    store: StoreSettings = StoreSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
