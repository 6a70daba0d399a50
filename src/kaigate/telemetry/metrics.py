"""The gateway's Prometheus metrics: every name and its labels in one place.

Labels come from closed sets plus `key_id`, `model` and `provider`, which configuration bounds; nothing a client
sends becomes a label.
"""

from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from kaigate.telemetry.limit_metrics import LimitMetrics
from kaigate.telemetry.request_series import RequestCollector


class Metrics:
    """All series of one process, in a registry of its own."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        self.registry = registry
        self.requests = RequestCollector()
        registry.register(self.requests)
        self.limits = LimitMetrics(registry)
        self.redactions = Counter(
            "kaigate_output_redactions", "Secrets redacted from answers.", ("type",), registry=registry
        )
        self.guardrail_errors = Counter(
            "kaigate_guardrail_errors", "Guards that failed; the answer was refused.", ("guard",), registry=registry
        )
        self.refused = Counter(
            "kaigate_requests_refused",
            "Requests that matched no route, or came while draining.",
            ("code",),
            registry=registry,
        )
        self.auth_failures = Counter("kaigate_auth_failures", "Failed authentications.", ("reason",), registry=registry)
        self.timeouts = Counter(
            "kaigate_request_timeouts", "Upstream deadlines that passed.", ("provider", "kind"), registry=registry
        )
        self.upstream_errors = Counter(
            "kaigate_upstream_errors", "Failed upstream attempts.", ("provider", "code"), registry=registry
        )
        self.fallbacks = Counter(
            "kaigate_fallbacks", "Requests tried on a further deployment.", ("model", "provider"), registry=registry
        )
        self.circuit_state = Gauge(
            "kaigate_circuit_state",
            "Breaker of a deployment: 0 closed, 1 half open, 2 open.",
            ("provider", "model"),
            registry=registry,
        )
        self.provider_up = Gauge(
            "kaigate_provider_up", "Whether the latest health checks succeeded.", ("provider",), registry=registry
        )
        self.digest_mismatches = Counter(
            "kaigate_model_digest_mismatch",
            "Checks that found a pinned model missing or with another digest.",
            ("provider", "model"),
            registry=registry,
        )
        self.inflight_requests = Gauge("kaigate_inflight_requests", "Requests being served.", registry=registry)
        self.inflight_streams = Gauge("kaigate_inflight_streams", "Streams being served.", registry=registry)
        self.client_disconnects = Counter(
            "kaigate_client_disconnects", "Clients that left before their answer was complete.", registry=registry
        )
        self.log_dropped = Counter("kaigate_log_records_dropped", "Log lines lost to a full buffer.", registry=registry)
        self.config_info = Gauge("kaigate_config_info", "The configuration in force.", ("hash",), registry=registry)
        self.config_reloads = Counter(
            "kaigate_config_reloads", "Configuration reloads.", ("outcome",), registry=registry
        )

    def circuit_changed(self, provider: str, model: str, state: Literal["closed", "half_open", "open"]) -> None:
        """A breaker changed; `model` is the allowlist's entry, since clients may choose the upstream's name."""
        self.circuit_state.labels(provider, model).set(("closed", "half_open", "open").index(state))
