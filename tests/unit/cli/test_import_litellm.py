"""`kaigate config import-litellm` writes what loads, reports the rest, and fails where nothing is usable."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kaigate.cli import app

SAMPLES = Path(__file__).parents[2] / "data" / "litellm"


def run(*arguments: object):
    return CliRunner().invoke(app, ["config", "import-litellm", *map(str, arguments)])


def test_the_result_goes_to_stdout_and_the_report_to_stderr():
    result = run(SAMPLES / "team.yaml")
    assert result.exit_code == 0
    assert result.stdout.startswith("# Made by")
    assert "line 46: model_list[4].litellm_params.temperature: not carried" in result.stderr
    assert "set before serving: ANTHROPIC_API_KEY, " in result.stderr


def test_the_written_file_passes_the_check(tmp_path):
    output = tmp_path / "gateway.yaml"
    assert run(SAMPLES / "team.yaml", "--output", output).exit_code == 0
    assert CliRunner().invoke(app, ["config", "check", "--offline", str(output)]).exit_code == 0
    before = output.read_text()
    again = run(SAMPLES / "quickstart.yaml", "--output", output)
    assert (again.exit_code, output.read_text()) == (1, before)


def test_programs_get_one_object():
    told = json.loads(run(SAMPLES / "quickstart.yaml", "--json").stdout)
    assert told["ok"]
    assert told["variables"] == ["KAIGATE_MASTER_KEY", "OPENAI_API_KEY"]
    assert {note["outcome"] for note in told["notes"]} == {"carried", "changed", "not carried"}
    assert "LITERAL" not in json.dumps(told)


def test_nothing_usable_is_a_failure_and_writes_nothing(tmp_path):
    output = tmp_path / "gateway.yaml"
    result = run(SAMPLES / "nothing.yaml", "--output", output)
    assert result.exit_code == 1
    assert "nothing usable" in result.stderr
    assert not output.exists()


@pytest.mark.parametrize("data", [b"model_list: [", b"\xff\xfe", b"a: " + b"[" * 200])
def test_what_is_no_yaml_is_a_failure(tmp_path, data):
    path = tmp_path / "litellm.yaml"
    path.write_bytes(data)
    assert run(path).exit_code == 1
    assert run(tmp_path / "absent.yaml").exit_code == 1
