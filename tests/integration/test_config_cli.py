"""The installed program and the shipped examples, from the outside."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SECRETS = {"OPENAI_API_KEY": "sk-" + "o" * 20, "APP_KEY": "kg-" + "a" * 20, "KAIGATE_MASTER_KEY": "kg-" + "m" * 20}


def kaigate(*arguments: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the program with exactly this environment."""
    program = Path(sys.executable).with_name("kaigate")
    environment = {"PATH": os.environ["PATH"], "COLUMNS": "200", **env}
    return subprocess.run(
        [str(program), *arguments], capture_output=True, text=True, env=environment, timeout=60, check=False
    )


def test_the_example_is_valid_and_warns_about_nothing():
    result = kaigate("config", "check", "--config", str(EXAMPLES / "gateway.yaml"), env=SECRETS)
    assert (result.returncode, result.stderr) == (0, "")
    assert "assistant" in result.stdout
    for secret in SECRETS.values():
        assert secret not in result.stdout


def test_the_example_names_the_secrets_that_are_missing():
    result = kaigate("config", "check", str(EXAMPLES / "gateway.yaml"), env={})
    assert result.returncode == 1
    assert "providers.openai.api_key: env:OPENAI_API_KEY: the environment variable is not set" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_example_shows_its_guardrail_file():
    result = kaigate("config", "show", "--json", env={"KAIGATE_CONFIG": str(EXAMPLES / "gateway.yaml")})
    assert result.returncode == 0
    assert json.loads(result.stdout)["guardrails"]["output"]["redaction"]["exceptions"]


def test_without_a_file_the_environment_is_checked():
    result = kaigate("config", "check", "--json", env={"OPENAI_API_KEY": SECRETS["OPENAI_API_KEY"]})
    assert result.returncode == 0
    assert json.loads(result.stdout)["ok"] is True


@pytest.mark.parametrize("command", [("serve",), ("config", "check"), ("config", "show")])
def test_a_missing_file_is_one_line_and_exit_code_1(tmp_path, command):
    result = kaigate(*command, "--config", str(tmp_path / "none.yaml"), env={})
    assert result.returncode == 1
    assert result.stderr.startswith(f"{tmp_path}/none.yaml: cannot be read: No such file or directory\n")
    assert "Traceback" not in result.stderr


def test_serving_a_wrong_configuration_prints_every_problem(tmp_path):
    path = tmp_path / "gateway.yaml"
    path.write_text("server: {replicas: 2}\nproviders: {p: {type: opnai}}\n")
    result = kaigate("serve", "--config", str(path), env={})
    assert result.returncode == 1
    assert "server.replicas: 2 replicas share their counters in Valkey or Redis" in result.stderr
    assert 'did you mean "openai"?' in result.stderr
