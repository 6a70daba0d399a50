"""The order of the stages, readable as documentation: outermost first.

On the way in each may refuse or answer; on the way out the answer passes them from the last to the first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kaigate.clock import Clock
from kaigate.config.models import GatewayConfig
from kaigate.guardrails.redaction import Redactor
from kaigate.keys.keyring import Keyring
from kaigate.keys.throttle import FailureThrottle
from kaigate.pipeline.driver import Pipeline
from kaigate.routing.catalogue import Catalogue
from kaigate.stages.attempt import Attempt
from kaigate.stages.authenticate import Authenticate
from kaigate.stages.authorise import Authorise
from kaigate.stages.count import Count
from kaigate.stages.guard_output import GuardOutput
from kaigate.stages.inform import Inform, View
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
    """Who may come in."""

    keyring: Keyring
    throttle: FailureThrottle


def chat(
    config: GatewayConfig,
    observed: Observed,
    admission: Admission,
    *,
    catalogue: Catalogue,
    redactor: Redactor | None,
    counter: Callable[[], ExactCounter | None],
    client: HttpClient,
) -> Pipeline:
    """The pipeline of every chat surface; `redactor` is None where redaction is switched off."""
    metrics, server, routing = observed.metrics, config.server, config.routing
    guard = [GuardOutput(redactor, metrics)] if redactor is not None else []
    return Pipeline(
        [
            Observe(metrics, observed.clock, observed.record, "chat"),  # outermost: sees every outcome
            Authenticate(admission.keyring, admission.throttle, metrics),  # headers only, before any body is read
            Parse(max_body_bytes=server.max_body_bytes, body_timeout_s=server.body_timeout_s),
            Authorise(catalogue),  # the model, and how private the exchange is
            Count(counter),  # input ceiling on the way in, usage on the way out
            Plan(catalogue),  # candidates within the zone
            *guard,  # the final text, before the client sees it
            Attempt(  # the upstream call; every candidate is checked against the zone again
                client,
                metrics,
                observed.clock,
                max_attempts=routing.max_attempts,
                max_answer_bytes=routing.max_answer_bytes,
            ),
        ]
    )


def information(observed: Observed, admission: Admission, name: str, view: View) -> Pipeline:
    """The pipeline of an informative route: any valid key may read it."""
    return Pipeline(
        [
            Observe(observed.metrics, observed.clock, observed.record, name),
            Authenticate(admission.keyring, admission.throttle, observed.metrics),
            Inform(view),
        ]
    )
