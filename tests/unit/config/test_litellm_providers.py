"""Deployments with equal parameters share a provider; secrets become references."""

from typing import Any

import pytest

from kaigate.config.document import Document
from kaigate.config.litellm_notes import Notes, Section
from kaigate.config.litellm_providers import Environment, ProviderTable
from kaigate.config.litellm_vendors import meaning
from kaigate.providers.registry import ROWS


class Table:
    def __init__(self, **env: str) -> None:
        self.environment = Environment(env)
        self.table = ProviderTable(ROWS, self.environment)
        self.notes = Notes(Document({}))

    def add(self, model: str, **params: Any) -> dict[str, Any] | None:
        found = meaning(model, None, params.get("api_base"))
        assert found is not None
        name = self.table.provider(found, Section(params, ("p",), self.notes))
        return None if name is None else self.table.rows[name]

    @property
    def messages(self) -> str:
        return "\n".join(map(str, self.notes.finish()))


def test_equal_deployments_share_a_provider_and_others_do_not():
    table = Table()
    for key in ("os.environ/A", "os.environ/A", "os.environ/B"):
        table.add("openai/gpt-4o", api_key=key)
    assert {name: row["api_key"] for name, row in table.table.rows.items()} == {"openai": "env:A", "openai-2": "env:B"}


@pytest.mark.parametrize(
    ("key", "reference"),
    [
        ("os.environ/MINE", "env:MINE"),
        (None, "env:OPENAI_API_KEY"),
        ("sk-literal", "env:OPENAI_API_KEY"),
        ("EMPTY", None),
    ],
)
def test_keys_become_references(key, reference):
    row = Table().add("openai/gpt-4o", api_key=key)
    assert row is not None
    assert row.get("api_key") == reference


def test_a_literal_key_does_not_take_the_name_of_another():
    table = Table()
    table.add("openai/gpt-4o", api_key="os.environ/OPENAI_API_KEY")
    row = table.add("openai/gpt-4o", api_key="sk-literal")
    assert row is not None
    assert row["api_key"] == "env:OPENAI_API_KEY_2"
    assert "sk-literal" not in table.messages


def test_an_address_in_the_environment_is_written_out_or_told():
    found = Table(BASE="http://h:1/v1").add("hosted_vllm/m", api_base="os.environ/BASE")
    assert found == {"type": "vllm", "base_url": "http://h:1/v1"}
    table = Table()
    assert table.add("hosted_vllm/m", api_base="os.environ/BASE") is None
    assert "BASE, which is not set here" in table.messages


@pytest.mark.parametrize("base", ["ftp://h", "http://user:secret-word@h", "http://h?q=1"])
def test_an_unusable_address_leaves_the_deployment_out(base):
    table = Table()
    assert table.add("hosted_vllm/m", api_base=base) is None
    assert "secret-word" not in table.messages


def test_a_type_without_an_address_of_its_own_needs_one():
    table = Table()
    assert table.add("azure/d") is None
    assert "no api_base" in table.messages


@pytest.mark.parametrize(
    ("env", "params", "aws"),
    [
        ({}, {"aws_region_name": "eu-west-1"}, {"region": "eu-west-1"}),
        ({"AWS_REGION": "us-east-1"}, {}, {"region": "us-east-1"}),
        ({}, {"aws_region_name": "eu-west-1", "aws_profile_name": "p"}, {"region": "eu-west-1", "profile": "p"}),
        (
            {"AWS_REGION": "us-east-1"},
            {"aws_access_key_id": "os.environ/I", "aws_secret_access_key": "literal"},
            {"region": "us-east-1", "access_key_id": "env:I", "secret_access_key": "env:AWS_SECRET_ACCESS_KEY"},
        ),
    ],
)
def test_bedrock_has_a_region_and_its_credentials(env, params, aws):
    assert Table(**env).add("bedrock/m", **params) == {"type": "bedrock", "aws": aws}


def test_bedrock_without_a_region_is_left_out():
    table = Table()
    assert table.add("bedrock/m") is None
    assert "AWS_REGION" in table.messages


def test_headers_that_may_hold_a_credential_are_left_out():
    table = Table()
    row = table.add("groq/m", extra_headers={"x-team": "a", "x-api-token": "t", "authorization": "b", "x y": "c"})
    assert row is not None
    assert row["headers"] == {"x-team": "a"}
