"""The order of the stages, readable as documentation: outermost first.

On the way in each may refuse or answer; on the way out the answer passes them from the last to the first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kaigate.clock import Clock
from kaigate.config.models import GatewayConfig
from kaigate.guardrails.redaction import Redactor
from kaigate.keys.directory import KeyDirectory
from kaigate.keys.jwt import JwtVerifier
from kaigate.keys.keyring import Keyring
from kaigate.keys.throttle import FailureThrottle
from kaigate.limits.provider_limits import ProviderLimits
from kaigate.pipeline.driver import Pipeline
from kaigate.routing.catalogue import Catalogue
from kaigate.routing.planner import Planner
from kaigate.routing.state import RoutingState
from kaigate.stages.attempt import Attempt
from kaigate.stages.authenticate import Authenticate
from kaigate.stages.authorise import Authorise
from kaigate.stages.count import Count
from kaigate.stages.guard_output import GuardOutput
from kaigate.stages.inform import Inform, View
from kaigate.stages.limit import Limit, Limiter, PriceOf
from kaigate.stages.observe import Observe
from kaigate.stages.parse import Parse
from kaigate.stages.plan import Plan
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
    metrics, server, routing = observed.metrics, config.server, config.routing
    guard = [GuardOutput(redactor, metrics)] if redactor is not None else []
    limit = [_limit(config, observed, catalogue, limited)] if limited is not None else []
    ceiling = config.limits.defaults.max_input_tokens if limited is not None else None
    return Pipeline(
        [
            Observe(metrics, observed.clock, observed.record, "chat"),  # outermost: sees every outcome
            admission.stage(metrics),  # headers only, before any body is read
            Parse(max_body_bytes=server.max_body_bytes, body_timeout_s=server.body_timeout_s),
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


def _limit(config: GatewayConfig, observed: Observed, catalogue: Catalogue, limited: Limited) -> Limit:
    return Limit(
        limited.limiter,
        config.limits,
        catalogue,
        limited.price_of,
        metrics=observed.metrics.limits,
        clock=observed.clock,
        surface="chat",
    )


def information(observed: Observed, admission: Admission, name: str, view: View) -> Pipeline:
    """The pipeline of an informative route: any valid key may read it."""
    return Pipeline(
        [
            Observe(observed.metrics, observed.clock, observed.record, name),
            admission.stage(observed.metrics),
            Inform(view),
        ]
    )
