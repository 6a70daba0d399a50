"""The order of the stages, readable as documentation: outermost first.

On the way in each may refuse or answer; on the way out the answer passes them from the last to the first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kaigate.chat.request import ChatRequest
from kaigate.clock import Clock
from kaigate.config.models import GatewayConfig
from kaigate.guardrails.redaction import Redactor
from kaigate.keys.directory import KeyDirectory
from kaigate.keys.jwt import JwtVerifier
from kaigate.keys.keyring import Keyring
from kaigate.keys.throttle import FailureThrottle
from kaigate.limits.provider_limits import ProviderLimits
from kaigate.pipeline.driver import Pipeline
from kaigate.pipeline.exchange import Exchange
from kaigate.routing.catalogue import Catalogue
from kaigate.routing.planner import Planner
from kaigate.routing.state import RoutingState
from kaigate.stages.attempt import Attempt
from kaigate.stages.authenticate import Authenticate
from kaigate.stages.authorise import Authorise
from kaigate.stages.count import Count
from kaigate.stages.count_embedding import CountEmbedding
from kaigate.stages.count_tokens import CountTokens
from kaigate.stages.embed import Embed
from kaigate.stages.guard_output import GuardOutput
from kaigate.stages.inform import Inform, View
from kaigate.stages.limit import Limit, Limiter, PriceOf
from kaigate.stages.observe import Observe
from kaigate.stages.parse import Parse, Take, take_chat
from kaigate.stages.plan import Plan
from kaigate.surfaces.anthropic_messages import count_answer, count_request
from kaigate.surfaces.embedding_format import EmbeddingFormat
from kaigate.surfaces.ollama_models import decode_show
from kaigate.surfaces.openai_moderations import decode_moderation, encode_moderation
from kaigate.telemetry.metrics import Metrics
from kaigate.tokens.exact import ExactCounter
from kaigate.transport.http import HttpClient


@dataclass(frozen=True, slots=True)
class Observed:
    """Where every exchange is measured; `record` receives one access record each, None writes none."""

    metrics: Metrics
    clock: Clock
    record: Callable[[Mapping[str, Any]], None] | None


@dataclass(frozen=True, slots=True)
class Admission:
    """Who may come in: keys of the configuration, virtual keys, tokens of an identity provider."""

    keyring: Keyring
    throttle: FailureThrottle
    directory: KeyDirectory | None = None
    tokens: JwtVerifier | None = None

    def stage(self, metrics: Metrics) -> Authenticate:
        """The stage that asks them."""
        return Authenticate(self.keyring, self.throttle, metrics, directory=self.directory, tokens=self.tokens)


@dataclass(frozen=True, slots=True)
class Limited:
    """What limits need: the counters and the prices."""

    limiter: Limiter
    price_of: PriceOf


@dataclass(frozen=True, slots=True)
class Routed:
    """Who may serve a request, and how the deployments have been doing."""

    planner: Planner
    state: RoutingState


def chat(
    config: GatewayConfig,
    observed: Observed,
    admission: Admission,
    *,
    catalogue: Catalogue,
    routed: Routed,
    redactor: Redactor | None,
    counter: Callable[[], ExactCounter | None],
    client: HttpClient,
    limited: Limited | None = None,
    provider_limits: ProviderLimits | None = None,
) -> Pipeline:
    """The pipeline of every chat surface; `redactor` and `limited` are None where that is switched off."""
    metrics, routing = observed.metrics, config.routing
    guard = [GuardOutput(redactor, metrics)] if redactor is not None else []
    limit = [_limit(config, observed, limited)] if limited is not None else []
    ceiling = config.limits.defaults.max_input_tokens if limited is not None else None
    return Pipeline(
        [
            Observe(metrics, observed.clock, observed.record),  # outermost: sees every outcome
            admission.stage(metrics),  # headers only, before any body is read
            _parse(config),
            Authorise(catalogue),  # the model, and how private the exchange is
            Count(counter, default_ceiling=ceiling),  # input ceiling on the way in, usage on the way out
            Plan(  # candidates in order: zone, key, capability, cost and health exclude
                routed.planner, default_output_tokens=config.limits.default_output_tokens
            ),
            *limit,  # one atomic step: requests, tokens, leases and money, reserved for the dearest candidate
            *guard,  # the final text, before the client sees it
            Attempt(  # the upstream calls; each is authorised again
                client, metrics, observed.clock, routing=routing, state=routed.state, limits=provider_limits
            ),
        ]
    )


def embeddings(
    form: EmbeddingFormat,
    config: GatewayConfig,
    observed: Observed,
    admission: Admission,
    *,
    catalogue: Catalogue,
    routed: Routed,
    counter: Callable[[], ExactCounter | None],
    client: HttpClient,
    limited: Limited | None = None,
    provider_limits: ProviderLimits | None = None,
) -> Pipeline:
    """The pipeline of one embeddings route: as `chat`, but vectors have no text to guard and generate nothing."""
    metrics, routing = observed.metrics, config.routing
    limit = [_limit(config, observed, limited, form.name)] if limited is not None else []
    ceiling = config.limits.defaults.max_input_tokens if limited is not None else None
    return Pipeline(
        [
            Observe(metrics, observed.clock, observed.record, form.name),
            admission.stage(metrics),
            _parse(config, _take_embedding(form, config.server.max_json_depth)),
            Authorise(catalogue),
            CountEmbedding(counter, default_ceiling=ceiling),
            Plan(routed.planner, default_output_tokens=0),
            *limit,
            Embed(  # the upstream calls; each attempt is authorised again
                form, client, metrics, observed.clock, routing=routing, state=routed.state, limits=provider_limits
            ),
        ]
    )


def _take_embedding(form: EmbeddingFormat, max_depth: int) -> Take:
    def take(exchange: Exchange, body: bytes) -> None:
        exchange.embedding = request = form.decode(body, max_depth=max_depth)
        # Rights, plans and limits ask a request for its model and its user.
        exchange.request = ChatRequest(model=request.model, messages=(), user=request.user)

    return take


def _limit(config: GatewayConfig, observed: Observed, limited: Limited, surface: str = "") -> Limit:
    return Limit(
        limited.limiter,
        config.limits,
        limited.price_of,
        metrics=observed.metrics.limits,
        clock=observed.clock,
        surface=surface,
    )


def count_tokens(
    config: GatewayConfig,
    observed: Observed,
    admission: Admission,
    *,
    catalogue: Catalogue,
    counter: Callable[[], ExactCounter | None],
) -> Pipeline:
    """The pipeline of Anthropic's `count_tokens`: what `chat` does up to the count, and nothing leaves."""
    depth = config.server.max_json_depth

    def take(exchange: Exchange, body: bytes) -> None:
        exchange.request = count_request(body, exchange.headers, max_depth=depth)

    return Pipeline(
        [
            Observe(observed.metrics, observed.clock, observed.record, "count_tokens"),
            admission.stage(observed.metrics),
            _parse(config, take),
            Authorise(catalogue),
            CountTokens(counter, count_answer),
        ]
    )


def moderations(config: GatewayConfig, observed: Observed, admission: Admission, redactor: Redactor) -> Pipeline:
    """The pipeline of `POST /v1/moderations`: any valid key may have texts searched, and nothing leaves."""
    depth = config.server.max_json_depth

    def has_secret(text: str) -> bool:
        return bool(redactor.redact(text).findings)

    def take(exchange: Exchange, body: bytes) -> None:
        inputs = decode_moderation(body, max_depth=depth)
        exchange.static_body = encode_moderation(inputs, has_secret, exchange.request_id)

    return Pipeline(
        [
            Observe(observed.metrics, observed.clock, observed.record, "moderations"),
            admission.stage(observed.metrics),
            _parse(config, take),
        ]
    )


def information(
    observed: Observed, admission: Admission, name: str, view: View, *, parse: Parse | None = None
) -> Pipeline:
    """The pipeline of an informative route: any valid key may read it. `parse` reads what is asked for in a body."""
    return Pipeline(
        [
            Observe(observed.metrics, observed.clock, observed.record, name),
            admission.stage(observed.metrics),
            *([parse] if parse is not None else []),
            Inform(view),
        ]
    )


def show(config: GatewayConfig) -> Parse:
    """The stage that reads which model `POST /api/show` asks for."""
    depth = config.server.max_json_depth

    def take(exchange: Exchange, body: bytes) -> None:
        exchange.argument = decode_show(body, max_depth=depth)

    return _parse(config, take)


def _parse(config: GatewayConfig, take: Take = take_chat) -> Parse:
    server = config.server
    return Parse(take, max_body_bytes=server.max_body_bytes, body_timeout_s=server.body_timeout_s)
