"""The options of `kaigate models pin`."""

import json

import pytest
from typer.testing import CliRunner

from kaigate.cli import app
from support.configuration import write


@pytest.fixture
def path(tmp_path):
    return write(tmp_path, "models: {}")


def test_the_options_reach_the_command(path):
    result = CliRunner().invoke(app, ["models", "pin", "--config", str(path), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"models": [], "unreachable": {}, "written": [], "problem": None}


def test_updating_without_writing_is_a_mistake(path):
    result = CliRunner().invoke(app, ["models", "pin", "--config", str(path), "--update"])
    assert result.exit_code == 2
