import platform

from bench.budgets import figures, judge
from bench.machine import facts
from bench.page import in_markdown, page
from bench.processes import split_cores
from bench.report import Table, tables
from bench.rounds import Memory, Sample, Settings
from bench.targets import nginx_path

ROW = [Sample(40.0, 25_000.0, 0.98, 100.0, 200.0)] * 3
SAMPLES = {
    ("chat", "direct"): ROW,
    ("chat", "nginx"): ROW,
    ("chat", "passthrough"): ROW,
    ("single", "direct"): ROW,
    ("single", "nginx"): ROW,
    ("stream", "nginx"): ROW,
    ("stream", "redaction"): ROW,
}


def test_a_table_becomes_markdown() -> None:
    assert in_markdown(Table("Title", ("target", "us"), [("nginx", "40")])) == (
        "### Title\n\n| target | us |\n| --- | --: |\n| nginx | 40 |\n"
    )


def test_the_page_shows_what_was_measured_and_its_budgets() -> None:
    memory = [Memory("redaction", 50.0, 1.5), Memory("keys", 90.0, 2.25)]
    shown = tables(SAMPLES, Settings(), memory, judge(figures(SAMPLES, memory)))

    text = page(shown, {"processor": "a fast one"}, Settings())

    for expected in (
        "processor: a fast one",
        "+1.50",
        "+2.25",
        "10,000 virtual keys",
        "| passthrough_ratio |",
        "| stream_ratio |",
        "1.00 (1.00 to 1.00)",
    ):
        assert expected in text


def test_the_facts_do_not_name_the_machine() -> None:
    found = facts(split_cores(), nginx_path())

    assert found["Python"] == platform.python_version()
    assert platform.node() not in " ".join(found.values()).split()
