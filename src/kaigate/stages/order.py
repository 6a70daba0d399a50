"""The order of the stages, readable as documentation: outermost first.

On the way in each may refuse or answer; on the way out the answer passes them from the last to the first.
"""

from collections.abc import Callable, Mapping
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
from kaigate.stages.observe import Observe
from kaigate.stages.parse import Parse
from kaigate.stages.plan import Plan
from kaigate.telemetry.metrics import Metrics
from kaigate.transport.http import HttpClient

AccessRecord = Callable[[Mapping[str, Any]], None]


def chat(
    config: GatewayConfig,
    *,
    keyring: Keyring,
    throttle: FailureThrottle,
    catalogue: Catalogue,
    redactor: Redactor | None,
    client: HttpClient,
    metrics: Metrics,
    clock: Clock,
    record: AccessRecord | None,
) -> Pipeline:
    """The pipeline of every chat surface."""
    server = config.server
    stages = [
        Observe(metrics, clock, record, "chat"),  # clocks, metrics, the access record: sees every outcome
        Authenticate(keyring, throttle, metrics),  # headers only: a stranger's body is never buffered
        Parse(max_body_bytes=server.max_body_bytes, body_timeout_s=server.body_timeout_s),
        Authorise(catalogue),  # model and privacy of this key
        Count(),  # input ceiling on the way in, usage on the way out
        Plan(catalogue),  # candidates, zone
        *([GuardOutput(redactor, metrics)] if redactor is not None else []),  # sees the final text
        Attempt(
            client,
            metrics,
            clock,
            max_attempts=config.routing.max_attempts,
            max_answer_bytes=config.routing.max_answer_bytes,
        ),
    ]
    return Pipeline(stages)
