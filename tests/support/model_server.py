"""The real model server for tests: llama.cpp with SmolLM2, from the demo's environment."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from demo.processes import HOST, free_ports, start, stop, wait_ready

ROOT: Final = Path(__file__).parents[2]
MODEL: Final = "smollm2"
READY_TIMEOUT_S: Final = 60.0


@dataclass(frozen=True)
class ModelServer:
    """A running model server; `base_url` is its OpenAI base URL."""

    base_url: str
    model: str


def demo_python() -> Path:
    """The interpreter that has llama.cpp and the model; FileNotFoundError tells how to get it."""
    python = Path(os.environ.get("KAIGATE_DEMO_PYTHON", ROOT / ".venv-demo" / "bin" / "python"))
    if not python.exists():
        raise FileNotFoundError(f"{python} is missing: run `make setup` (`make test` does)")
    return python


@contextmanager
def running_model_server(folder: Path) -> Iterator[ModelServer]:
    """Start it on a free port, with its log in `folder`; fails when it does not become ready."""
    (port,) = free_ports(0)
    command = [str(demo_python()), str(ROOT / "demo" / "model_server.py"), f"--port={port}"]
    child = start("model-server", command, log=folder / "model-server.log", env=os.environ)
    try:
        wait_ready(child, f"http://{HOST}:{port}/health", timeout_s=READY_TIMEOUT_S)
        yield ModelServer(f"http://{HOST}:{port}/v1", MODEL)
    finally:
        stop(child)
