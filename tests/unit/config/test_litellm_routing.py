"""Fallbacks end, aliases name one model, strategies keep their meaning."""

import pytest

from kaigate.config.document import Document
from kaigate.config.litellm_notes import Notes, Section
from kaigate.config.litellm_routing import Fallbacks, aliases, strategy


def models(*names: str, deployments: int = 1) -> dict:
    return {name: {"deployments": [{}] * deployments} for name in names}


def section(data: dict) -> Section:
    return Section(data, ("router_settings",), Notes(Document({})))


def taken(data: dict, *names: str) -> dict[str, list[str]]:
    rows = models(*names)
    Fallbacks(rows, Notes(Document({}))).take(section(data))
    return {
        name: row[field] for name, row in rows.items() for field in ("fallbacks", "context_fallbacks") if field in row
    }


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"fallbacks": [{"a": ["b", "c"]}]}, {"a": ["b", "c"]}),
        ({"fallbacks": [{"a": ["b"]}, {"b": ["a"]}]}, {"a": ["b"]}),
        ({"fallbacks": [{"a": ["b"]}, {"b": ["c"]}, {"c": ["a"]}]}, {"a": ["b"], "b": ["c"]}),
        ({"fallbacks": [{"a": ["a", "nobody"]}, {"nobody": ["a"]}]}, {}),
        ({"fallbacks": [{"a:latest": ["b:latest"]}]}, {"a": ["b"]}),
        ({"fallbacks": [{"*": ["c"]}]}, {"a": ["c"], "b": ["c"]}),
        ({"default_fallbacks": ["c"]}, {"a": ["c"], "b": ["c"]}),
        ({"context_window_fallbacks": [{"a": ["c"]}]}, {"a": ["c"]}),
        ({"fallbacks": [{"a": "b"}, 5]}, {}),
    ],
)
def test_chains_lead_somewhere_and_end(data, expected):
    assert taken(data, "a", "b", "c") == expected


def test_aliases_are_free_names_of_models():
    rows = models("a", "b", "g*")
    given = {"x": "a", "y": {"model": "b"}, "b": "a", "z": "nobody", "w": "g*", "two words": "a", "v:latest": "a"}
    aliases(section({"model_group_alias": given}), "model_group_alias", rows)
    aliases(section({"model_group_alias": {"x": "b"}}), "model_group_alias", rows)
    assert [row.get("aliases") for row in rows.values()] == [["x"], ["y"], None]


@pytest.mark.parametrize(
    ("given", "deployments", "expected"),
    [
        ("simple-shuffle", 1, {"strategy": "weighted"}),
        ("latency-based-routing", 1, {"strategy": "fastest"}),
        ("cost-based-routing", 1, {"strategy": "cheapest"}),
        ("something-new", 1, {}),
        (None, 2, {"strategy": "weighted"}),
        (None, 1, {}),
    ],
)
def test_a_strategy_is_named(given, deployments, expected):
    routing: dict = {}
    strategy(section({"routing_strategy": given}), routing, models("a", deployments=deployments))
    assert routing == expected
