import json

import pytest

from bench.budgets import BUDGETS, KEYS, Verdict, figures, json_line, judge
from bench.intervals import Estimate
from bench.rounds import Memory, Sample


def sample(cpu_us: float, p50_us: float = 100.0, p99_us: float = 200.0) -> Sample:
    return Sample(cpu_us=cpu_us, rate=10_000.0, busy=0.9, p50_us=p50_us, p99_us=p99_us)


SAMPLES = {
    ("chat", "direct"): [sample(10), sample(10)],
    ("chat", "nginx"): [sample(40), sample(50)],
    ("chat", "passthrough"): [sample(80), sample(100)],
    ("chat", "redaction"): [sample(120), sample(150)],
    ("chat", "translate"): [sample(100), sample(125)],
    ("single", "direct"): [sample(10, 30, 90), sample(10, 40, 80)],
    ("single", "redaction"): [sample(10, 230, 390), sample(10, 240, 380)],
    ("stream", "nginx"): [sample(1000), sample(1000)],
    ("stream", "redaction"): [sample(2000), sample(2000)],
}


def test_the_line_has_exactly_the_agreed_keys_in_their_order() -> None:
    assert list(json.loads(json_line({}))) == [
        "passthrough_ratio",
        "redaction_ratio",
        "features_ratio",
        "stream_ratio",
        "translate_ratio",
        "cache_hit_ratio",
        "guard_us_per_kb",
        "rss_growth_mib",
        "added_p50_us",
        "added_p99_us",
    ]


def test_what_was_not_measured_is_null() -> None:
    assert set(json.loads(json_line({})).values()) == {None}


def test_figures_are_paired_within_a_round() -> None:
    line = json.loads(json_line(figures(SAMPLES, [Memory("redaction", 50.0, 1.25)])))

    assert {key: value for key, value in line.items() if value is not None} == {
        "passthrough_ratio": 2.0,
        "redaction_ratio": 3.0,
        "stream_ratio": 2.0,
        "translate_ratio": 1.25,
        "rss_growth_mib": 1.25,
        "added_p50_us": 200.0,
        "added_p99_us": 300.0,
    }


def test_a_target_that_was_left_out_leaves_its_figures_out() -> None:
    without = {key: row for key, row in SAMPLES.items() if key[1] != "redaction"}

    assert set(figures(without, [])) == {"passthrough_ratio", "translate_ratio"}
    alone = {key: row for key, row in SAMPLES.items() if key[1] != "passthrough"}
    assert "translate_ratio" not in figures(alone, [])


@pytest.mark.parametrize(
    ("low", "high", "kept"),
    [(1.0, 2.0, True), (2.0, 9.0, True), (3.0, 9.0, True), (3.01, 9.0, False)],
)
def test_a_budget_breaks_only_when_the_whole_interval_lies_beyond_it(low: float, high: float, *, kept: bool) -> None:
    assert Verdict("passthrough_ratio", Estimate(5.0, low, high, 10), 3.0).kept is kept


def test_only_measured_budgets_are_judged() -> None:
    assert [verdict.name for verdict in judge(figures(SAMPLES, []))] == [
        "passthrough_ratio",
        "redaction_ratio",
        "stream_ratio",
        "translate_ratio",
    ]


def test_every_budget_is_a_figure_of_the_line() -> None:
    # What limits and keys add is judged and told in the tables; the line's keys are other people's contract.
    assert set(BUDGETS) - {"limiter_us", "rss_keys_mib"} <= set(KEYS)


def test_memory_of_many_keys_has_a_budget_of_its_own() -> None:
    memory = [Memory("redaction", 50.0, 1.0), Memory("keys", 90.0, 5.5)]

    kept = {verdict.name: verdict.kept for verdict in judge(figures({}, memory))}

    assert kept == {"rss_growth_mib": True, "rss_keys_mib": False}
