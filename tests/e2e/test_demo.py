"""The demo itself: every step holds, a broken one is told, and nothing of it survives its end."""

import os
import signal
import time
from pathlib import Path

import pytest

from support.demo_process import Demo


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the demo's output goes."""
    return tmp_path / "demo.log"


def test_every_step_holds_and_it_ends_by_itself(log: Path) -> None:
    demo = Demo(log)
    assert demo.end() == 0, demo.output()
    output = demo.output()
    assert "All 5 steps held" in output
    assert "✗" not in output
    assert output.count("curl -sS") == 7
    assert demo.survivors() == []


def test_a_step_that_does_not_hold_gives_exit_code_1(repository: Path, log: Path, tmp_path: Path) -> None:
    unguarded = tmp_path / "gateway.yaml"
    config = (repository / "demo" / "gateway.yaml").read_text()
    unguarded.write_text(config.replace("enabled: true", "enabled: false"))
    demo = Demo(log, "--config", str(unguarded))
    assert demo.end() == 1, demo.output()
    assert "1 of 5 steps did not hold" in demo.output()
    assert "✗ the guarded answer has the placeholder" in demo.output()
    assert demo.survivors() == []


def test_a_gateway_that_does_not_start_gives_exit_code_1_and_its_words(
    repository: Path, log: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "gateway.yaml"
    wrong.write_text((repository / "demo" / "gateway.yaml").read_text() + "\ngardrails: {}\n")
    demo = Demo(log, "--config", str(wrong))
    assert demo.end() == 1
    assert "guardrails" in demo.output(), "the nearest valid key"
    assert demo.survivors() == []


@pytest.mark.parametrize(
    ("number", "moment", "delay_s"),
    [
        (signal.SIGINT, "Starting", 0.0),
        (signal.SIGINT, "Starting", 0.3),
        (signal.SIGTERM, "Starting", 0.7),
        (signal.SIGHUP, "1/5", 0.0),
        (signal.SIGINT, "3/5", 0.0),
    ],
)
def test_an_interrupt_leaves_no_process(log: Path, number: signal.Signals, moment: str, delay_s: float) -> None:
    demo = Demo(log)
    demo.wait_for(moment)
    time.sleep(delay_s)
    os.killpg(demo.process.pid, number)
    assert demo.end() == 128 + number, demo.output()
    assert demo.survivors() == []
