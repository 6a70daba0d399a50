"""What `make demo-serve` prints works when it is pasted."""

import http.client
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from support.demo_process import Demo
from support.node import run_node


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The output of a demo that serves until the tests of this module are done."""
    demo = Demo(tmp_path_factory.mktemp("serve") / "demo.log", "--serve")
    yield demo.wait_for("Running until Ctrl-C")
    os.killpg(demo.process.pid, signal.SIGINT)
    assert demo.end() == 0, demo.output()
    assert demo.survivors() == []


def test_each_command_does_what_it_says(printed: str) -> None:
    expected = ["Paris", "[DONE]", "model_not_found", "invalid_api_key", "AKIA", "[REDACTED_AWS_KEY]"]
    commands = re.findall(r"^curl .*(?:\n .*)*", printed, re.MULTILINE)
    assert len(commands) == len(expected)
    for command, text in zip(commands, expected, strict=True):
        assert text in _pasted(command)


def test_the_python_program_runs(printed: str) -> None:
    program = _between(printed, "# Python\n", "# JavaScript")
    assert "Paris" in subprocess.check_output([sys.executable, "-c", program], text=True, timeout=60)


# The first use installs the package.
@pytest.mark.timeout(300)
def test_the_javascript_program_runs(printed: str) -> None:
    assert "Paris" in run_node(_between(printed, "# JavaScript\n", "Base URL"))


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
