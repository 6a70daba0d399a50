import pytest
from typer.testing import CliRunner

from kaigate.cli import app
from support.configuration import write

GOOD = "server: {port: 7}\nproviders: {ollama: {type: ollama}}\nmodels: {llama3: {}}\nkeys: {master_key: env:KEY}\n"


@pytest.mark.parametrize("how", ["--config FILE", "FILE"])
@pytest.mark.parametrize("command", ["check", "show"])
def test_the_file_is_an_option_or_an_argument(tmp_path, monkeypatch, command, how):
    monkeypatch.setenv("KEY", "kg-" + "k" * 20)
    path = write(tmp_path, GOOD)
    result = CliRunner().invoke(app, ["config", command, *how.replace("FILE", str(path)).split()])
    assert result.exit_code == 0, result.output


def test_offline_checks_need_no_secret(tmp_path, monkeypatch):
    monkeypatch.delenv("KEY", raising=False)
    path = str(write(tmp_path, GOOD))
    assert CliRunner().invoke(app, ["config", "check", path]).exit_code == 1
    assert CliRunner().invoke(app, ["config", "check", "--offline", path]).exit_code == 0


@pytest.mark.parametrize("arguments", [["check", "--frob"], ["frob"], ["check", "a", "b"]])
def test_wrong_usage_is_2(arguments):
    assert CliRunner().invoke(app, ["config", *arguments]).exit_code == 2
