"""The metric names of the contract, as Prometheus reads them."""

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from kaigate.telemetry.metrics import Metrics

CALLER = {"key_id", "team", "model", "provider"}
CONTRACT = {
    "requests_total": {"surface", "status"} | CALLER,
    "request_duration_seconds_bucket": {"surface", "status", "le"} | CALLER,
    "overhead_seconds_bucket": {"surface", "status", "le"} | CALLER,
    "time_to_first_token_seconds_bucket": {"surface", "status", "le"} | CALLER,
    "inter_token_seconds_count": {"surface", "status"} | CALLER,
    "tokens_total": {"type"} | CALLER,
    "guardrail_errors_total": {"guard"},
    "output_redactions_total": {"type"},
    "auth_failures_total": {"reason"},
    "request_timeouts_total": {"provider", "kind"},
    "upstream_errors_total": {"provider", "code"},
    "fallbacks_total": {"model", "provider"},
    "inflight_requests": set(),
    "inflight_streams": set(),
    "client_disconnects_total": set(),
    "log_records_dropped_total": set(),
    "requests_refused_total": {"code"},
    "config_info": {"hash"},
    "config_reloads_total": {"outcome"},
    "rate_limited_total": {"reason", "scope"},
    "soft_limit_warnings_total": {"reason", "scope"},
    "cost_usd_total": {"key_id", "team", "model", "provider"},
    "budget_remaining_usd": {"key_id", "team", "model", "provider"},
    "store_degraded": set(),
    "outbox_lag_seconds": set(),
    "outbox_failures_total": set(),
}


def filled() -> Metrics:
    """Metrics in which every family has a sample."""
    metrics = Metrics()
    series = metrics.requests.series(("chat", "k1", "blue", "m", "up", "200"))
    series.requests = 2
    series.tokens_in, series.tokens_out = 5, 7
    for distribution in (series.duration, series.overhead, series.first_token, series.inter_token):
        distribution.observe(0.02)
    metrics.redactions.labels("aws_key").inc(3)
    metrics.guardrail_errors.labels("output").inc()
    metrics.refused.labels("route_not_found").inc()
    metrics.auth_failures.labels("unknown_key").inc()
    metrics.timeouts.labels("up", "idle").inc()
    metrics.upstream_errors.labels("up", "upstream_error").inc()
    metrics.fallbacks.labels("m", "up").inc()
    metrics.config_info.labels("abc").set(1)
    metrics.config_reloads.labels("applied").inc()
    metrics.limits.rate_limited.labels("requests", "key").inc()
    metrics.limits.soft_limits.labels("budget", "key").inc()
    metrics.limits.cost.add(("k", "t", "m", "up"), 1)
    metrics.limits.budgets.set("key:k", 1)
    return metrics


@pytest.fixture(scope="module")
def exposed() -> dict[str, set[str]]:
    """Label names of every exposed sample, by its name."""
    families = text_string_to_metric_families(generate_latest(filled().registry).decode())
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


@pytest.mark.parametrize(("name", "labels"), CONTRACT.items())
def test_a_metric_of_the_contract_is_exposed_with_its_labels(exposed, name, labels):
    assert exposed[f"kaigate_{name}"] == labels


def stem(name: str) -> str:
    """A histogram's name without what its samples add."""
    return name.removesuffix("_bucket").removesuffix("_count")


def test_no_metric_of_ours_is_unnamed_here(exposed):
    """A new one belongs into the table above, and with it into the contract."""
    ours = {name for name in exposed if name.startswith("kaigate_") and not name.endswith(("_created", "_sum"))}
    assert {stem(name) for name in ours} == {f"kaigate_{stem(name)}" for name in CONTRACT}


def test_the_process_itself_is_measured(exposed):
    assert {"process_resident_memory_bytes", "process_open_fds", "python_info"} <= set(exposed)


def test_two_processes_in_one_share_nothing():
    first, second = Metrics(), Metrics()
    first.redactions.labels("jwt").inc()
    assert second.registry.get_sample_value("kaigate_output_redactions_total", {"type": "jwt"}) is None
