"""Children are waited for, told about when they fail, and stopped with everything they started."""

import os
import socket
import sys
import time
from pathlib import Path

import pytest

from demo.processes import Child, ChildFailedError, free_ports, start, stop, wait_ready

SERVE = "import http.server, sys; http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]))"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
GRANDCHILD = (
    "import subprocess, sys, time;"
    "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid, flush=True);"
    "time.sleep(60)"
)
SAYS_WHY = "import sys; sys.exit('no such model')"


def started(folder: Path, program: str, *arguments: str) -> Child:
    return start("child", [sys.executable, "-c", program, *arguments], log=folder / "child.log", env=os.environ)


def wait_for_log(child: Child) -> str:
    deadline = time.monotonic() + 10
    while not child.tail():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return child.tail()


def runs(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_a_child_is_ready_when_its_url_answers(tmp_path: Path) -> None:
    (port,) = free_ports(0)
    child = started(tmp_path, SERVE, str(port))
    try:
        wait_ready(child, f"http://127.0.0.1:{port}/", timeout_s=20)
    finally:
        stop(child)
    assert not runs(child.process.pid)


def test_a_child_that_ends_early_is_reported_with_its_last_words(tmp_path: Path) -> None:
    child = started(tmp_path, SAYS_WHY)
    with pytest.raises(ChildFailedError, match="ended with code 1:\nno such model"):
        wait_ready(child, "http://127.0.0.1:9/", timeout_s=20)
    stop(child)


def test_a_child_that_is_never_ready_is_reported(tmp_path: Path) -> None:
    (port,) = free_ports(0)
    child = started(tmp_path, GRANDCHILD)
    with pytest.raises(ChildFailedError, match=r"not ready after 0\.2 s"):
        wait_ready(child, f"http://127.0.0.1:{port}/", timeout_s=0.2)
    stop(child)


def test_stopping_ends_grandchildren_too(tmp_path: Path) -> None:
    child = started(tmp_path, GRANDCHILD)
    grandchild = int(wait_for_log(child))
    assert runs(grandchild)
    stop(child)
    deadline = time.monotonic() + 5
    while runs(grandchild) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not runs(grandchild)


def test_a_child_that_ignores_sigterm_is_killed_after_the_grace(tmp_path: Path) -> None:
    child = started(tmp_path, STUBBORN)
    wait_for_log(child)
    begun = time.monotonic()
    assert stop(child, grace_s=0.3) == -9
    assert time.monotonic() - begun < 5


def test_stopping_a_child_that_has_ended_is_harmless(tmp_path: Path) -> None:
    child = started(tmp_path, SAYS_WHY)
    child.process.wait(10)
    assert stop(child) == 1


def test_free_ports_differ_and_avoid_a_taken_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = taken.getsockname()[1]
        ports = free_ports(busy, 0, 0)
    assert len(set(ports)) == 3
    assert busy not in ports


def test_a_free_preferred_port_is_kept() -> None:
    (port,) = free_ports(0)
    assert free_ports(port) == (port,)
