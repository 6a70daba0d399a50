import subprocess
import sys

from typer.testing import CliRunner

from kaigate import __version__
from kaigate.cli import app


def test_version():
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"kaigate {__version__}\n")


def test_help_lists_the_commands():
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    assert "serve" in result.stdout
    assert "config" in result.stdout


def test_an_unknown_command_is_a_usage_error():
    assert CliRunner().invoke(app, ["frobnicate"]).exit_code == 2


def test_help_does_not_load_the_gateway():
    code = "import sys, kaigate.cli; print({'pydantic', 'uvicorn', 'fastapi', 'yaml', 'hyperscan'} & set(sys.modules))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert output == "set()\n"
