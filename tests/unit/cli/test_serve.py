from pathlib import Path

import pytest
from typer.testing import CliRunner

from kaigate.cli import app, start
from kaigate.config.loaded import ServerOverrides


@pytest.fixture
def started(monkeypatch) -> list[tuple[Path | None, ServerOverrides]]:
    """What the command hands on, instead of a running gateway."""
    calls: list[tuple[Path | None, ServerOverrides]] = []

    def record(option: Path | None, overrides: ServerOverrides) -> int:
        calls.append((option, overrides))
        return 7

    monkeypatch.setattr(start, "start", record)
    return calls


def test_options_become_overrides_and_the_exit_code_is_passed_on(started):
    ports = ["--port", "0", "--admin-port", "1", "--ops-port", "2", "--reuse-port"]
    arguments = ["serve", "--config", "g.yaml", "--host", "0.0.0.0", *ports]
    assert CliRunner().invoke(app, arguments).exit_code == 7
    assert started == [(Path("g.yaml"), ServerOverrides("0.0.0.0", 0, 1, 2, reuse_port=True))]


def test_options_that_are_not_given_leave_the_file_alone(started):
    CliRunner().invoke(app, ["serve"])
    assert started == [(None, ServerOverrides())]


@pytest.mark.parametrize(
    "arguments", [["--port", "65536"], ["--port", "-1"], ["--port", "x"], ["--prot", "1"], ["extra"]]
)
def test_bad_options_are_usage_errors(started, arguments):
    assert CliRunner().invoke(app, ["serve", *arguments]).exit_code == 2
    assert started == []
