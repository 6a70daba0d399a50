"""What a reload swaps, and what stays."""

from types import SimpleNamespace

from kaigate.app.lifecycle import Lifecycle
from kaigate.app.runtime import Runtime
from kaigate.clock import SystemClock
from kaigate.telemetry.metrics import Metrics
from kaigate.transport.egress import EgressGuard
from kaigate.transport.http import HttpClient
from kaigate.transport.proxy import ProxyPolicy


def snapshot(digest: str):
    return SimpleNamespace(
        loaded=SimpleNamespace(hash=digest),
        egress=EgressGuard(()),
        outgoing_proxy=ProxyPolicy.from_environment({}, allowed_hosts=()),
    )


def test_the_configuration_in_force_is_the_only_one_shown():
    metrics, lifecycle = Metrics(), Lifecycle()
    client = HttpClient(guard=EgressGuard(()))
    runtime = Runtime(
        clock=SystemClock(), metrics=metrics, lifecycle=lifecycle, client=client, snapshot=snapshot("one")
    )
    sample = metrics.registry.get_sample_value
    assert sample("kaigate_config_info", {"hash": "one"}) == 1
    second = snapshot("two")
    runtime.swap(second)
    assert runtime.snapshot is second
    assert sample("kaigate_config_info", {"hash": "one"}) is None
    assert sample("kaigate_config_info", {"hash": "two"}) == 1


def test_running_requests_are_counted_where_they_run():
    metrics, lifecycle = Metrics(), Lifecycle()
    client = HttpClient(guard=EgressGuard(()))
    Runtime(clock=SystemClock(), metrics=metrics, lifecycle=lifecycle, client=client, snapshot=snapshot("one"))
    lifecycle.begin()
    lifecycle.begin()
    lifecycle.end()
    assert metrics.registry.get_sample_value("kaigate_inflight_requests") == 1
