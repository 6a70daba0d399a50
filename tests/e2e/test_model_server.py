"""The model server stops with the process that started it."""

import os
from pathlib import Path

from demo.processes import free_ports, start, stop, wait_ready
from support.model_server import demo_python


def test_it_ends_when_its_standard_input_closes(repository: Path, tmp_path: Path) -> None:
    (port,) = free_ports(0)
    command = [str(demo_python()), str(repository / "demo" / "model_server.py"), f"--port={port}"]
    child = start("model-server", command, log=tmp_path / "log", env=os.environ)
    try:
        wait_ready(child, f"http://127.0.0.1:{port}/health", timeout_s=60)
        child.process.stdin.close()
        assert child.process.wait(20) == 0
    finally:
        stop(child)
