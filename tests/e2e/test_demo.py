"""The demo itself: every step holds, a broken one is told, and nothing of it survives its end."""

import http.client
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.model_server import demo_python
from support.node import run_node

START_TIMEOUT_S = 60.0
END_TIMEOUT_S = 60.0
MARK = "DEMO_TEST_MARK"


class Demo:
    """A running `python -m demo`, whose descendants are recognised by a mark in their environment."""

    def __init__(self, repository: Path, log: Path, *arguments: str) -> None:
        self._mark = uuid.uuid4().hex
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [demo_python(), "-m", "demo", *arguments],
                cwd=repository,
                env=os.environ | {MARK: self._mark, "COLUMNS": "100"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def output(self) -> str:
        """What a person saw so far."""
        return self._log.read_text()

    def wait_for(self, text: str) -> str:
        """The output, once it contains `text`."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while text not in self.output():
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.02)
        return self.output()

    def end(self) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(END_TIMEOUT_S)

    def survivors(self) -> list[str]:
        """Command lines of the processes that it started and that still run."""
        mark = f"{MARK}={self._mark}".encode()
        return [_command(process) for process in Path("/proc").glob("[0-9]*") if mark in _environment(process)]


def _environment(process: Path) -> list[bytes]:
    try:
        return (process / "environ").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return []


def _command(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the demo's output goes."""
    return tmp_path / "demo.log"


def test_every_step_holds_and_it_ends_by_itself(repository: Path, log: Path) -> None:
    demo = Demo(repository, log)
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
    demo = Demo(repository, log, "--config", str(unguarded))
    assert demo.end() == 1, demo.output()
    assert "1 of 5 steps did not hold" in demo.output()
    assert "✗ the guarded answer has the placeholder" in demo.output()
    assert demo.survivors() == []


def test_a_gateway_that_does_not_start_gives_exit_code_1_and_its_words(
    repository: Path, log: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "gateway.yaml"
    wrong.write_text((repository / "demo" / "gateway.yaml").read_text() + "\ngardrails: {}\n")
    demo = Demo(repository, log, "--config", str(wrong))
    assert demo.end() == 1
    assert "guardrails" in demo.output(), "the nearest valid key"
    assert demo.survivors() == []


@pytest.mark.parametrize("moment", ["Starting", "1/5", "3/5"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_no_process(repository: Path, log: Path, moment: str, number: signal.Signals) -> None:
    demo = Demo(repository, log)
    demo.wait_for(moment)
    os.killpg(demo.process.pid, number)
    assert demo.end() == 128 + number, demo.output()
    assert demo.survivors() == []


class TestServing:
    """`make demo-serve` prints things that work when they are pasted."""

    @pytest.fixture(scope="class")
    def served(self, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
        demo = Demo(repository, tmp_path_factory.mktemp("serve") / "demo.log", "--serve")
        demo.wait_for("Running until Ctrl-C")
        yield demo
        os.killpg(demo.process.pid, signal.SIGINT)
        assert demo.end() == 0, demo.output()
        assert demo.survivors() == []

    @pytest.fixture
    def commands(self, served: Demo) -> list[str]:
        return re.findall(r"^curl .*(?:\\\n.*)*", served.output(), re.MULTILINE)

    def test_each_command_does_what_it_says(self, commands: list[str]) -> None:
        expected = ["Paris", "[DONE]", "model_not_found", "invalid_api_key", "AKIA", "[REDACTED_AWS_KEY]"]
        answers = [_pasted(command) for command in commands]
        assert len(answers) == len(expected)
        for answer, text in zip(answers, expected, strict=True):
            assert text in answer

    def test_the_python_program_runs(self, served: Demo) -> None:
        program = _between(served.output(), "# Python\n", "# JavaScript")
        assert "Paris" in subprocess.check_output([sys.executable, "-c", program], text=True, timeout=60)

    @pytest.mark.timeout(300)
    def test_the_javascript_program_runs(self, served: Demo) -> None:
        assert "Paris" in run_node(_between(served.output(), "# JavaScript\n", "Base URL"))


def _pasted(command: str) -> str:
    if shutil.which("curl") is not None:
        return subprocess.check_output(["bash", "-c", command], text=True, timeout=60)
    # A machine without curl: the same request, read from the command.
    _, _, url, *options = shlex.split(command.replace("\\\n", ""))
    headers = dict(option.split(": ", 1) for option in options[1:-2:2])
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    with closing(connection):
        connection.request("POST", urlsplit(url).path, options[-1].encode(), headers)
        return connection.getresponse().read().decode()


def _between(text: str, start: str, end: str) -> str:
    return text.split(start, 1)[1].split(end, 1)[0]
