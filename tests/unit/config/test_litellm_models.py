"""Items of `model_list` become entries of the allowlist."""

from typing import Any

import pytest

from kaigate.config.document import Document
from kaigate.config.litellm_models import ModelTable, plain
from kaigate.config.litellm_notes import Notes
from kaigate.config.litellm_providers import Environment, ProviderTable
from kaigate.providers.registry import ROWS


class Table:
    def __init__(self) -> None:
        self.notes = Notes(Document({}))
        self.table = ModelTable(ProviderTable(ROWS, Environment({})), self.notes)

    def add(self, name: str = "m", info: Any = None, credentials: Any = None, **params: Any) -> dict[str, Any] | None:
        item = {"model_name": name, "litellm_params": {"model": "ollama/x:1", **params}, "model_info": info or {}}
        self.table.add(item, ("model_list", len(self.table.rows)), credentials or {})
        return self.table.rows.get(plain(name))


def test_deployments_of_one_name_are_one_model():
    table = Table()
    table.add(weight=2)
    table.add(model="groq/y", order=1)
    assert table.add() == {
        "deployments": [
            {"provider": "ollama", "model": "x:1", "weight": 3},
            {"provider": "groq", "model": "y", "order": 1},
        ]
    }


def test_the_lowest_ceiling_and_the_longest_time_hold():
    table = Table()
    table.add(max_tokens=100, timeout=5)
    row = table.add(max_tokens=50, timeout=9, info={"max_input_tokens": 8192})
    assert row is not None
    assert (row["max_tokens"], row["timeout_s"], row["context_tokens"]) == (50, 9, 8192)


def test_prices_are_dollars_per_million_and_the_dearest_holds():
    table = Table()
    table.add(input_cost_per_token=3e-6, output_cost_per_token="0.000015")
    row = table.add(model="groq/y", info={"input_cost_per_token": 5e-6, "output_cost_per_token": 1e-6})
    assert row is not None
    assert row["price"] == {"input": 5.0, "output": 15.0}


def test_half_a_price_is_none():
    row = Table().add(input_cost_per_token=3e-6)
    assert row is not None
    assert "price" not in row


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ([{"rpm": 1}, {"rpm": 2}], {"m": {"rpm": 3}}),
        ([{"rpm": 1}, {}], {}),
        ([{"rpm": 1, "tpm": 5}], {"m": {"rpm": 1, "tpm": 5}}),
    ],
)
def test_limits_of_deployments_add_up_where_all_have_one(limits, expected):
    table = Table()
    for number, given in enumerate(limits):
        table.add(model=f"ollama/{number}:1", **given)
    assert table.table.model_limits() == expected


def test_a_model_can_do_what_all_of_its_deployments_can():
    table = Table()
    table.add(info={"supports_vision": True, "supports_function_calling": True})
    row = table.add(model="groq/y", info={"supports_vision": False})
    assert row is not None
    assert row["capabilities"] == {"vision": False, "tools": True}


@pytest.mark.parametrize(
    ("name", "model", "expected"),
    [
        ("gpt-4*", "openai/gpt-4*", {"provider": "openai"}),
        ("gpt-4*", "openai/*", {"provider": "openai"}),
        ("*", "openai/*", {"provider": "openai"}),
        ("anthropic/*", "anthropic/*", None),
        ("m", "openai/*", None),
        ("gpt-*", "openai/o1", None),
    ],
)
def test_wildcards_that_keep_names_are_globs(name, model, expected):
    row = Table().add(name, model=model)
    assert (row and row["deployments"]) == (expected and [expected])


@pytest.mark.parametrize("name", ["", "two words", "ä"])
def test_a_name_that_cannot_be_one_is_left_out(name):
    assert Table().add(name) is None


def test_latest_is_taken_off_names_and_models():
    assert Table().add("a:latest", model="ollama/x:latest") == {"deployments": [{"provider": "ollama", "model": "x"}]}
    assert plain(":latest") == ":latest"


def test_credentials_of_the_list_are_used_below_the_deployments_own():
    table = Table()
    credentials = {"c": {"api_base": "http://h:1", "api_key": "os.environ/K"}}
    table.add(model="hosted_vllm/y", litellm_credential_name="c", api_key="os.environ/OWN", credentials=credentials)
    (row,) = table.table._providers.rows.values()
    assert row == {"type": "vllm", "base_url": "http://h:1", "api_key": "env:OWN"}
