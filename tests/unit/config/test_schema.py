from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from kaigate.config.schema import config_schema, guardrail_schema

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.mark.parametrize("schema", [config_schema(), guardrail_schema()], ids=["gateway", "guardrails"])
def test_the_schema_is_valid_draft_2020_12(schema):
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema_rs.meta.validate(schema)


@pytest.mark.parametrize(
    ("file", "schema"), [("gateway.yaml", config_schema()), ("guardrails.yaml", guardrail_schema())]
)
def test_the_examples_satisfy_the_schema(file, schema):
    jsonschema_rs.Draft202012Validator(schema).validate(yaml.safe_load((EXAMPLES / file).read_text()))


@pytest.mark.parametrize(
    "data",
    [
        {"sever": {}},
        {"server": {"port": "8080"}},
        {"server": {"port": 70000}},
        {"providers": {"p": {"type": "openai", "api_key": "literal"}}},
        {"providers": {"p": {}}},
    ],
)
def test_the_schema_refuses_what_loading_refuses(data):
    assert not jsonschema_rs.Draft202012Validator(config_schema()).is_valid(data)
