"""The gateway's Prometheus metrics: every name and its labels in one place.

Labels come from closed sets plus `key_id`, `model` and `provider`, which configuration bounds; nothing a client
sends becomes a label. Children are looked up once per label set, since the look-up costs more than the count.
"""

from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
OVERHEAD_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0)


class RequestSeries:
    """The series of one (surface, key, team, model, provider, status), ready to be counted."""

    __slots__ = ("duration", "first_token", "inter_token", "overhead", "requests", "tokens_in", "tokens_out")

    def __init__(self, metrics: "Metrics", labels: tuple[str, str, str, str, str, str]) -> None:
        surface, key_id, team, model, provider, status = labels
        self.requests = metrics.requests.labels(surface, key_id, team, model, provider, status)
        self.duration = metrics.duration.labels(surface, model, provider)
        self.overhead = metrics.overhead.labels(surface)
        self.first_token = metrics.first_token.labels(model, provider)
        self.inter_token = metrics.inter_token.labels(model, provider)
        self.tokens_in = metrics.tokens.labels("input", key_id, team, model, provider)
        self.tokens_out = metrics.tokens.labels("output", key_id, team, model, provider)


class Metrics:
    """All series of one process, in a registry of its own."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        self.registry = registry
        caller = ("key_id", "team", "model", "provider")
        self.requests = Counter(
            "kaigate_requests", "Requests answered.", ("surface", *caller, "status"), registry=registry
        )
        self.duration = Histogram(
            "kaigate_request_duration_seconds",
            "From the request's headers to the answer's last byte.",
            ("surface", "model", "provider"),
            buckets=SECONDS,
            registry=registry,
        )
        self.overhead = Histogram(
            "kaigate_overhead_seconds",
            "Request duration less the time spent waiting for upstreams.",
            ("surface",),
            buckets=OVERHEAD_SECONDS,
            registry=registry,
        )
        self.first_token = Histogram(
            "kaigate_time_to_first_token_seconds",
            "From the request's headers to the first streamed byte.",
            ("model", "provider"),
            buckets=SECONDS,
            registry=registry,
        )
        self.inter_token = Histogram(
            "kaigate_inter_token_seconds",
            "Mean gap between the chunks of one stream.",
            ("model", "provider"),
            buckets=SECONDS,
            registry=registry,
        )
        self.tokens = Counter(
            "kaigate_tokens", "Tokens, as the provider counts them.", ("type", *caller), registry=registry
        )
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
        self.series = lru_cache(maxsize=4096)(self._series)

    def _series(self, *labels: str) -> RequestSeries:
        surface, key_id, team, model, provider, status = labels
        return RequestSeries(self, (surface, key_id, team, model, provider, status))
