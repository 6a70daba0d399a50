import logging

from prometheus_client import CollectorRegistry

from kaigate.limits.model import Bound
from kaigate.telemetry.limit_metrics import LimitMetrics

BUDGET = Bound("key:abc", "budget", 10_000_000_000, window="2026-11")


def test_money_is_counted_in_dollars_by_who_spent_it_on_what():
    registry = CollectorRegistry()
    metrics = LimitMetrics(registry)
    for nanodollars in (1_500_000_000, 250_000_000, 0):
        metrics.cost.add(("abc", "ml", "m", "up"), nanodollars)
    labels = {"key_id": "abc", "team": "ml", "model": "m", "provider": "up"}
    assert registry.get_sample_value("kaigate_cost_usd_total", labels) == 1.75


def test_a_refusal_is_counted_by_kind_of_limit_and_scope_never_by_name():
    registry = CollectorRegistry()
    LimitMetrics(registry).refused(Bound("user:somebody", "tokens", 1))
    labels = {"reason": "tokens", "scope": "user"}
    assert registry.get_sample_value("kaigate_rate_limited_total", labels) == 1


def test_a_budget_that_is_nearly_used_up_is_told_once_per_window(caplog):
    registry = CollectorRegistry()
    metrics = LimitMetrics(registry)
    with caplog.at_level(logging.WARNING, "kaigate.limits"):
        for _ in range(3):
            metrics.soft_limit(BUDGET, 1_000_000_000, 5.0)
        metrics.soft_limit(Bound("key:abc", "budget", 10, window="2026-12"), 1, 6.0)
    assert [entry.getMessage() for entry in caplog.records] == ["a limit is nearly reached"] * 2
    assert [entry.remaining_usd for entry in caplog.records] == [1.0, 1e-9]
    assert registry.get_sample_value("kaigate_soft_limit_warnings_total", {"reason": "budget", "scope": "key"}) == 2


def test_a_rate_that_is_nearly_reached_is_told_once_a_minute(caplog):
    metrics = LimitMetrics(CollectorRegistry())
    with caplog.at_level(logging.WARNING, "kaigate.limits"):
        for now in (100.0, 101.0, 159.9, 160.0):
            metrics.soft_limit(Bound("key:abc", "tokens", 100), 7, now)
    assert [(entry.limit, entry.remaining) for entry in caplog.records] == [("tokens", 7)] * 2


def test_costs_are_bounded(monkeypatch):
    monkeypatch.setattr("kaigate.telemetry.limit_metrics.MAX_COSTS", 3)
    registry = CollectorRegistry()
    costs = LimitMetrics(registry).cost
    for number in range(10):
        costs.add((f"k{number}", "", "m", "p"), 1_000_000_000)
    costs.add(("k0", "", "m", "p"), 1_000_000_000)
    values = [sample.value for family in registry.collect() for sample in family.samples if "cost_usd" in sample.name]
    assert sorted(values) == [1.0, 1.0, 2.0, 7.0]


def test_what_is_left_of_a_budget_is_told_by_its_owner_and_never_for_end_users():
    registry = CollectorRegistry()
    budgets = LimitMetrics(registry).budgets
    for scope, left in (("key:abc", 5), ("team:ml", 7), ("user:abc:ann", 9), ("key:abc", 2_500_000_000)):
        budgets.set(scope, left)
    empty = {"key_id": "", "team": "", "model": "", "provider": ""}
    name = "kaigate_budget_remaining_usd"
    assert registry.get_sample_value(name, {**empty, "key_id": "abc"}) == 2.5
    assert registry.get_sample_value(name, {**empty, "team": "ml"}) == 7e-9
    [family] = [each for each in registry.collect() if each.name == name]
    assert len(family.samples) == 2
