"""Builds a snapshot: the one place where configuration becomes stages."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kaigate.app.aws_signing import NO_SIGNERS, Signers, asks_agent, credential_destinations, signers
from kaigate.app.digests import digest_checks
from kaigate.app.health_checks import HealthChecks
from kaigate.app.key_sets import fetcher, origin_of
from kaigate.app.log_redaction import log_redactor
from kaigate.app.refusal_log import RefusalLog
from kaigate.app.snapshot import Snapshot
from kaigate.app.stores import Stores
from kaigate.app.views import views
from kaigate.clock import Clock
from kaigate.config.loaded import LoadedConfig
from kaigate.config.models import GatewayConfig
from kaigate.guardrails.redaction import Redactor
from kaigate.guardrails.settings import RedactionSettings
from kaigate.keys.address import ProxyTrust
from kaigate.keys.jwt import JwtVerifier
from kaigate.keys.keyring import Keyring
from kaigate.keys.policy import KeyPolicy
from kaigate.keys.throttle import FailureThrottle
from kaigate.limits.provider_limits import ProviderLimits
from kaigate.pipeline.driver import Pipeline
from kaigate.pipeline.plan import Deployment, ModelEntry
from kaigate.pricing.book import PriceBook
from kaigate.pricing.prices import Price
from kaigate.providers import registry
from kaigate.routing.catalogue import Catalogue
from kaigate.routing.planner import CostAt, Planner
from kaigate.routing.state import RoutingState
from kaigate.routing.upstream import BuiltProvider, build_upstream
from kaigate.stages import order
from kaigate.stages.limit import PriceOf
from kaigate.surfaces.anthropic_messages import AnthropicMessages
from kaigate.surfaces.embedding_format import FORMATS
from kaigate.surfaces.ollama_chat import OllamaChat
from kaigate.surfaces.ollama_generate import OllamaGenerate
from kaigate.surfaces.openai_chat import OpenAIChat
from kaigate.surfaces.openai_completions import OpenAICompletions
from kaigate.surfaces.openai_responses import OpenAIResponses
from kaigate.surfaces.surface import Surface
from kaigate.telemetry.metrics import Metrics
from kaigate.tokens.exact import ExactCounter
from kaigate.transport.egress import EgressGuard
from kaigate.transport.http import HttpClient
from kaigate.transport.proxy import ProxyPolicy


class LateCounter:
    """The exact token counter, which takes a second to load and is there once it is."""

    def __init__(self) -> None:
        self._counter: ExactCounter | None = None

    def get(self) -> ExactCounter | None:
        """The counter, None while it is not loaded or where its package is not installed."""
        return self._counter

    def load(self) -> None:
        """Load it. Blocking."""
        self._counter = self._counter or ExactCounter.load()


@dataclass(slots=True)
class Process:
    """What outlives every configuration: clocks, metrics, the access log, the environment, the stores.

    `stores` is None where limits are switched off and no database is named: then only keys of the configuration count.
    """

    clock: Clock
    metrics: Metrics
    client: HttpClient
    record: Callable[[Mapping[str, object]], None]
    env: Mapping[str, str]
    started_at: int
    counter: LateCounter = field(default_factory=LateCounter)
    stores: Stores | None = None
    provider_limits: ProviderLimits = field(init=False)
    routing: RoutingState = field(init=False)

    def __post_init__(self) -> None:
        self.provider_limits = ProviderLimits(self.clock)
        self.routing = RoutingState(self.clock, changed=self.metrics.circuit_changed)


def build(loaded: LoadedConfig, policy: KeyPolicy, process: Process, *, previous: Snapshot | None = None) -> Snapshot:
    """A snapshot of `loaded`, and of its policy. Blocking: patterns may be compiled, so call it off the event loop.

    Failed authentications and fetched credentials are remembered across reloads. Raises ValueError for an unusable
    HTTPS_PROXY, `ConfigError` for a provider without credentials.
    """
    config = loaded.config
    client = process.client
    kept = NO_SIGNERS if previous is None else previous.signers
    signing = signers(loaded, process.env, client, process.clock, previous=kept)
    built = upstreams(loaded, signing)
    catalogue = Catalogue.build(config, built)
    keyring = Keyring.build(config, loaded.secrets, policy)
    throttle = FailureThrottle(config.server.auth_failures_per_minute, process.clock)
    if previous is not None and previous.throttle_rate == config.server.auth_failures_per_minute:
        throttle = previous.throttle
    record = process.record if config.telemetry.access_log else None
    observed = order.Observed(process.metrics, process.clock, record)
    stores = process.stores
    tokens = _tokens(config, policy, process)
    admission = order.Admission(keyring, throttle, stores.parts.directory if stores is not None else None, tokens)
    limited, book = None, PriceBook.build(config, process.clock)
    if stores is not None and config.limits.enabled:
        limited = order.Limited(stores.parts.limiter, _price_of(config, book))
    redactor = _redactor(config, process)
    output = redactor if config.guardrails.output.redaction.enabled else None
    planner = Planner(catalogue, process.routing.health, cost_at(config, book), digests=process.routing.digests)
    routed = order.Routed(planner, process.routing)
    chat = order.chat(
        config,
        observed,
        admission,
        catalogue=catalogue,
        routed=routed,
        redactor=output,
        counter=process.counter.get,
        client=client,
        limited=limited,
        provider_limits=process.provider_limits,
    )
    count = order.count_tokens(config, observed, admission, catalogue=catalogue, counter=process.counter.get)
    moderations = order.moderations(config, observed, admission, redactor)
    pipelines: dict[str, Pipeline] = {"chat": chat, "count_tokens": count, "moderations": moderations}
    for form in FORMATS:
        pipelines[form.name] = order.embeddings(
            form,
            config,
            observed,
            admission,
            catalogue=catalogue,
            routed=routed,
            counter=process.counter.get,
            client=client,
            limited=limited,
            provider_limits=process.provider_limits,
        )
    for name, view in views(
        loaded,
        catalogue,
        client,
        process.started_at,
        health=process.routing.health,
        redis=stores.parts.redis if stores is not None else None,
    ).items():
        parse = order.show(config) if name == "ollama_show" else None
        pipelines[name] = order.information(observed, admission, name, view, parse=parse)
    return Snapshot(
        loaded=loaded,
        config=config,
        egress=_egress(config, built, signing),
        outgoing_proxy=ProxyPolicy.from_environment(process.env, allowed_hosts=config.routing.proxy_hosts),
        keyring=keyring,
        tokens=tokens,
        throttle=throttle,
        throttle_rate=config.server.auth_failures_per_minute,
        proxies=ProxyTrust(config.server.trusted_proxies) if config.server.trusted_proxies else None,
        refusals=RefusalLog(process.metrics, process.clock, record),
        redact_log=log_redactor(redactor, (secret.reveal() for secret in loaded.secrets.values())),
        surfaces=_surfaces(config.server.max_json_depth),
        pipelines=pipelines,
        signers=signing,
        health_checks=_health_checks(config, built),
        digest_checks=digest_checks(config, catalogue, built),
    )


def _health_checks(config: GatewayConfig, built: Mapping[str, BuiltProvider]) -> HealthChecks:
    paths = {name: each.health_path for name, each in config.providers.items() if each.health_path is not None}
    return HealthChecks(config.routing.health_checks, paths, built)


def _surfaces(max_depth: int) -> dict[str, Surface]:
    """The client formats, by name."""
    surfaces: tuple[Surface, ...] = (
        OpenAIChat(max_depth=max_depth),
        OpenAIResponses(max_depth=max_depth),
        OpenAICompletions(max_depth=max_depth),
        AnthropicMessages(max_depth=max_depth),
        OllamaChat(max_depth=max_depth),
        OllamaGenerate(max_depth=max_depth),
    )
    return {surface.name: surface for surface in surfaces}


def _tokens(config: GatewayConfig, policy: KeyPolicy, process: Process) -> JwtVerifier | None:
    settings = config.keys.jwt
    if settings is None:
        return None
    return JwtVerifier(settings, fetcher(process.client, settings), policy=policy, clock=process.clock)


def _egress(config: GatewayConfig, upstreams: Mapping[str, BuiltProvider], signing: Signers) -> EgressGuard:
    credentials = list(credential_destinations(signing))
    declared = (*_destinations(config, upstreams), *((host, port) for _, host, port in credentials))
    return EgressGuard(declared, pod_identity=asks_agent(credentials))


def _destinations(config: GatewayConfig, upstreams: Mapping[str, BuiltProvider]) -> Iterator[tuple[str, int]]:
    """Every host and port that this configuration connects to, but for credentials."""
    for built in upstreams.values():
        yield built.target.origin.host, built.target.origin.port
    if config.keys.jwt is not None and (origin := origin_of(config.keys.jwt)) is not None:
        yield origin


def cost_at(config: GatewayConfig, book: PriceBook) -> CostAt:
    """What a call costs at most, at the prices of `book`."""
    types = {name: provider.type for name, provider in config.providers.items()}

    def most(deployment: Deployment, input_tokens: int, output_tokens: int) -> int | None:
        provider = deployment.provider.name
        price = book.price(provider, types[provider], deployment.zone, deployment.model, deployment.label)
        return None if price is None else price.upper_bound(input_tokens, output_tokens)

    return most


def _price_of(config: GatewayConfig, book: PriceBook) -> PriceOf:
    types = {name: provider.type for name, provider in config.providers.items()}

    def price_of(entry: ModelEntry, deployment: Deployment, service_tier: str) -> Price | None:
        provider = deployment.provider.name
        zone, model = deployment.zone, deployment.model
        return book.price(
            provider, types[provider], zone, model, deployment.label or entry.label, service_tier=service_tier
        )

    return price_of


def _redactor(config: GatewayConfig, process: Process) -> Redactor:
    options = config.guardrails.output.redaction
    settings = RedactionSettings(
        exceptions=options.exceptions,
        literals=options.literals,
        disabled_types=options.disabled_types,
        allow_checksums=options.allow_checksums,
    )
    return Redactor.build(settings, cache_dir=_pattern_cache(config, process.env))


def _pattern_cache(config: GatewayConfig, env: Mapping[str, str]) -> Path:
    """Where compiled patterns are kept between starts: configured, else the user's cache folder."""
    if config.store.cache_dir is not None:
        return Path(config.store.cache_dir)
    return Path(env.get("XDG_CACHE_HOME") or Path(env.get("HOME", "/tmp")) / ".cache") / "kaigate"  # noqa: S108


def upstreams(loaded: LoadedConfig, signing: Signers = NO_SIGNERS) -> dict[str, BuiltProvider]:
    """The configuration's providers by name, ready to be called; without their signer only to be looked at."""
    built: dict[str, BuiltProvider] = {}
    for name, settings in loaded.config.providers.items():
        provider = registry.build(
            name,
            settings.type,
            api_key=loaded.secret(settings.api_key),
            api_version=settings.api_version,
            organization=settings.organization,
            headers=settings.headers,
            drop_params=settings.drop_params,
            signer=signing.get(name),
        )
        built[name] = build_upstream(settings, provider, registry.ROWS[settings.type])
    return built
