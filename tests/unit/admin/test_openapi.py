"""The description is valid OpenAPI 3.1, and says of errors what the gateway does."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from kaigate import __version__
from kaigate.admin.openapi import description
from kaigate.errors import CODES

DOCUMENT = description()
OPERATIONS = [
    pytest.param(operation, id=f"{method} {path}")
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_it_is_json_and_of_this_version():
    assert msgspec.json.decode(msgspec.json.encode(DOCUMENT)) == DOCUMENT
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert DOCUMENT["info"]["version"] == __version__


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_a_component_is_a_valid_schema(name):
    jsonschema_rs.meta.validate(DOCUMENT["components"]["schemas"][name])


def test_every_reference_leads_somewhere():
    for reference in set(references(DOCUMENT)):
        node: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            node = node[step.replace("~1", "/").replace("~0", "~")]
        assert node


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_is_described(operation):
    assert operation["summary"]
    assert operation["tags"]
    assert "200" in operation["responses"]
    for status, answer in operation["responses"].items():
        assert answer["description"], status
        for content in answer["content"].values():
            jsonschema_rs.meta.validate(content.get("schema", True))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_everything_but_a_probe_needs_a_key(operation):
    assert (operation.get("security") == [{"bearer": []}]) is ("probes" not in operation["tags"])


def test_path_parameters_are_declared():
    for path, methods in DOCUMENT["paths"].items():
        for operation in methods.values():
            named = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "path"}
            assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}


def test_the_error_schema_has_every_code():
    codes = DOCUMENT["components"]["schemas"]["Error"]["properties"]["error"]["properties"]["code"]["enum"]
    assert set(codes) == set(CODES)


def test_described_statuses_name_their_codes():
    chat = DOCUMENT["paths"]["/v1/chat/completions"]["post"]["responses"]
    assert "context_length_exceeded" in chat["400"]["description"]
    assert chat["429"]["description"] == "budget_exceeded, rate_limit_exceeded"


def test_a_chat_request_of_every_day_fits_the_schema():
    content = DOCUMENT["paths"]["/v1/chat/completions"]["post"]["requestBody"]["content"]
    schema = {**content["application/json"]["schema"], "components": DOCUMENT["components"]}
    validator = jsonschema_rs.validator_for(schema)
    message = {"role": "user", "content": "hello"}
    assert validator.is_valid({"model": "m", "messages": [message]})
    assert validator.is_valid({"model": "m", "messages": [message], "stream": True, "temperature": 0.5, "n": 2})
    assert not validator.is_valid({"messages": [message]})
    assert not validator.is_valid({"model": "m", "messages": [message], "temprature": 1})
    assert not validator.is_valid({"model": "m", "messages": [message], "temperature": "hot"})
