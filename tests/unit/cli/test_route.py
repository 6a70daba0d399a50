"""The options of `kaigate route`."""

import json

import pytest
from typer.testing import CliRunner

from kaigate.cli.route import app
from support.configuration import write

CONFIG = """\
providers:
  near: {type: ollama}
  far: {type: openai, api_key: env:NOT_SET}
models:
  m: {deployments: [{provider: far, model: gpt-5}, {provider: near, model: llama3}], capabilities: {audio: false}}
  x: {deployments: [{provider: near}]}
keys: {static: {inside: {key: env:NOT_SET_EITHER, private_only: true}, other: {key: env:NOT_SET, models: [x]}}}
"""


@pytest.fixture
def run(tmp_path):
    path = write(tmp_path, CONFIG)

    def call(*arguments):
        result = CliRunner().invoke(app, [*arguments, "--config", str(path)])
        return result.exit_code, result.output

    return call


def providers(output: str) -> list[str]:
    return [item["provider"] for item in json.loads(output)["candidates"]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", ["far", "near"]),
        ("--private", ["near"]),
        ("--key inside", ["near"]),
        ("--max-cost-usd 0", ["near"]),
        ("--needs tools,vision", ["far", "near"]),
    ],
)
def test_a_route_is_explained_without_any_secret(run, options, expected):
    code, output = run("explain", "--model", "m", *options.split(), "--json")
    assert (code, providers(output)) == (0, expected)


def test_people_get_tables(run):
    code, output = run("explain", "--model", "m", "--private")
    assert code == 0
    assert "not in the private zone" in output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--model m --needs audio", "400 unsupported_parameter"),
        ("--model unknown", "not on the allowlist"),
        ("--model m --key other", "may not use this model"),
    ],
)
def test_nobody_left_is_one(run, options, said):
    code, output = run("explain", *options.split())
    assert code == 1
    assert said in output


@pytest.mark.parametrize(
    "options",
    ["", "--model m --needs magic", "--model m --max-cost-usd -1", "--model m --max-cost-usd cheap"],
)
def test_what_makes_no_sense_is_a_usage_error(run, options):
    assert run("explain", *options.split())[0] == 2


def test_destinations_are_listed_per_zone(run):
    code, output = run("egress", "--json")
    assert code == 0
    found = [(item["zone"], item["host"], item["port"]) for item in json.loads(output)["destinations"]]
    assert found == [("external", "api.openai.com", 443), ("private", "127.0.0.1", 11434)]
