"""Plain counters that read like Prometheus's own."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from kaigate.telemetry import request_series
from kaigate.telemetry.request_series import SECONDS, RequestCollector

LABELS = ("chat", "k", "t", "m", "p", "200")
NAMED = dict(zip(("surface", "key_id", "team", "model", "provider", "status"), LABELS, strict=True))


def registered() -> tuple[RequestCollector, CollectorRegistry]:
    collector, registry = RequestCollector(), CollectorRegistry()
    registry.register(collector)
    return collector, registry


@given(st.lists(st.one_of(st.floats(0, 1000), st.sampled_from(SECONDS)), min_size=1, max_size=50))
def test_a_distribution_counts_as_the_client_librarys_histogram_does(values):
    collector, ours = registered()
    theirs = CollectorRegistry()
    reference = Histogram("kaigate_request_duration_seconds", "", NAMED, buckets=SECONDS, registry=theirs)
    for value in values:
        collector.series(LABELS).duration.observe(value)
        reference.labels(**NAMED).observe(value)
    for bound in (*map(str, SECONDS), "+Inf"):
        labels = {**NAMED, "le": bound}
        name = "kaigate_request_duration_seconds_bucket"
        assert ours.get_sample_value(name, labels) == theirs.get_sample_value(name, labels), bound
    for name in ("kaigate_request_duration_seconds_count", "kaigate_request_duration_seconds_sum"):
        assert math.isclose(ours.get_sample_value(name, NAMED), theirs.get_sample_value(name, NAMED))


def test_the_same_labels_are_one_series():
    collector, registry = registered()
    for _ in range(3):
        collector.series(LABELS).requests += 1
    assert registry.get_sample_value("kaigate_requests_total", NAMED) == 3


def test_tokens_are_told_apart_by_their_type():
    collector, registry = registered()
    collector.series(LABELS).tokens_in = 5
    collector.series(LABELS).tokens_out = 2
    labels = {name: value for name, value in NAMED.items() if name not in ("surface", "status")}
    assert registry.get_sample_value("kaigate_tokens_total", {**labels, "type": "input"}) == 5
    assert registry.get_sample_value("kaigate_tokens_total", {**labels, "type": "output"}) == 2


def test_the_same_key_on_two_surfaces_is_exposed_once():
    """Tokens have no surface: they are added up, since the same labels twice make Prometheus drop the whole scrape."""
    collector, registry = registered()
    for surface in ("chat", "embeddings"):
        collector.series((surface, *LABELS[1:])).tokens_in = 5
    samples = [
        tuple(sorted(sample.labels.items()))
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        for sample in family.samples
        if sample.name == "kaigate_tokens_total"
    ]
    assert len(samples) == len(set(samples))


def test_what_never_happened_is_not_exposed():
    collector, registry = registered()
    collector.series(LABELS).requests += 1
    assert registry.get_sample_value("kaigate_time_to_first_token_seconds_count", NAMED) is None
    assert registry.get_sample_value("kaigate_tokens_total", {**NAMED, "type": "input"}) is None


@pytest.mark.parametrize("extra", [1, 50])
def test_labels_beyond_the_bound_share_a_series(monkeypatch, extra):
    monkeypatch.setattr(request_series, "MAX_SERIES", 20)
    collector, registry = registered()
    for number in range(20 + extra):
        collector.series((*LABELS[:3], f"m{number}", "p", "200")).requests += 1
    for number in range(extra):
        collector.series((*LABELS[:3], f"m{number}", "p", "200")).requests += 1
    other = dict.fromkeys(NAMED, "") | {"surface": "other", "status": "200"}
    beyond = extra + max(0, extra - 20)
    assert registry.get_sample_value("kaigate_requests_total", other) == beyond
    assert len(collector._series) == 21
    total = sum(
        sample.value
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        for sample in family.samples
        if sample.name == "kaigate_requests_total"
    )
    assert total == 20 + 2 * extra
