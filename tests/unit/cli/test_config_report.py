import json

import pytest
import yaml

from kaigate.cli.config_report import report_check, report_effective, report_schema
from support.configuration import write

GOOD = """\
providers:
  ollama: {type: ollama}
  openai: {type: openai, api_key: env:OPENAI}
models:
  llama3: {aliases: [fast]}
  gpt-4*: {}
keys: {master_key: env:KEY, anonymous: {enabled: true}}
"""
SECRET = "sk-" + "canary" + "0" * 20


@pytest.fixture(autouse=True)
def secrets(monkeypatch):
    monkeypatch.setenv("KEY", "kg-" + "k" * 20)
    monkeypatch.setenv("OPENAI", SECRET)


def test_a_valid_configuration_is_shown_as_a_table_with_warnings(tmp_path, capsys):
    assert report_check(write(tmp_path, GOOD), as_json=False, offline=False) == 0
    output = capsys.readouterr()
    for word in ("llama3", "fast", "private", "gpt-4*", "as asked", "external", "is valid"):
        assert word in output.out
    assert output.err.startswith("warning: ")
    assert "for development only" in output.err


def test_programs_get_one_json_object(tmp_path, capsys):
    assert report_check(write(tmp_path, GOOD), as_json=True, offline=False) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["ok"], answer["problems"], len(answer["warnings"])) == (True, [], 1)
    assert len(answer["hash"]) == 12


def test_programs_get_every_problem_with_its_place(tmp_path, capsys):
    path = write(tmp_path, GOOD + "sever: 1\nserver: {port: x}\n")
    assert report_check(path, as_json=True, offline=False) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is False
    assert [(item["line"], item["path"]) for item in answer["problems"]] == [(8, "sever"), (9, "server.port")]
    assert answer["problems"][0]["file"] == str(path)


def test_people_get_every_problem_on_stderr(tmp_path, capsys):
    assert report_check(write(tmp_path, GOOD + "sever: 1\n"), as_json=False, offline=False) == 1
    assert "configuration refused: 1 problem" in capsys.readouterr().err


@pytest.mark.parametrize(("as_json", "parse"), [(True, json.loads), (False, yaml.safe_load)])
def test_the_effective_configuration_has_defaults_and_no_secrets(tmp_path, capsys, as_json, parse):
    assert report_effective(write(tmp_path, GOOD), as_json=as_json) == 0
    text = capsys.readouterr().out
    shown = parse(text)
    assert shown["server"]["port"] == 4000
    assert shown["providers"]["openai"]["api_key"] == "env:OPENAI"
    assert SECRET not in text


def test_showing_needs_no_secret_but_a_valid_file(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("OPENAI")
    assert report_effective(write(tmp_path, GOOD), as_json=True) == 0
    assert report_effective(write(tmp_path, "sever: 1\n"), as_json=True) == 1
    assert "unknown key" in capsys.readouterr().err


@pytest.mark.parametrize(("guardrails", "key"), [(False, "providers"), (True, "output")])
@pytest.mark.parametrize("as_json", [True, False])
def test_the_schema_is_json_either_way(capsys, guardrails, key, as_json):
    assert report_schema(guardrails=guardrails, as_json=as_json) == 0
    output = capsys.readouterr().out
    assert key in json.loads(output)["properties"]
    assert (output.count("\n") == 1) is as_json
