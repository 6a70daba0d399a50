"""The model server and the gateway in front of it, started and stopped together."""

import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from demo.interrupts import Interrupts
from demo.processes import HOST, Child, free_ports, start, stop, wait_ready

HERE: Final = Path(__file__).parent
CONFIG: Final = HERE / "gateway.yaml"
MODEL: Final = "smollm2"
UPSTREAM: Final = "http://127.0.0.1:8080/v1"
KEY_VARIABLE: Final = "KAIGATE_DEMO_KEY"
READY_TIMEOUT_S: Final = 60.0
USUAL_PORTS: Final = (4000, 4001, 9090)


@dataclass(frozen=True)
class Stack:
    """Where things listen. `base_url` and `raw_url` are OpenAI base URLs: of the gateway and of the model server."""

    base_url: str
    raw_url: str
    admin_url: str
    ops_url: str
    key: str
    children: tuple[Child, ...]


@contextmanager
def running_stack(config: Path, interrupts: Interrupts, *, usual_ports: bool) -> Iterator[Stack]:
    """Start both from the template `config` on free loopback ports (the gateway's usual ones if asked and free).

    Raises ChildFailedError when one does not become ready. Both have ended when this returns, however it returns.
    """
    with ExitStack() as cleanups:
        # Settings of another gateway in the caller's environment must not reach this one.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("KAIGATE_")}
        folder = Path(cleanups.enter_context(tempfile.TemporaryDirectory(prefix="kaigate-demo-")))

        def launch(name: str, command: list[str], env: dict[str, str]) -> Child:
            with interrupts.held():
                child = start(name, command, log=folder / f"{name}.log", env=environment | env)
                cleanups.callback(stop, child)
            return child

        try:
            (model_port,) = free_ports(0)
            raw_url = f"http://{HOST}:{model_port}"
            model = launch("model-server", [sys.executable, str(HERE / "model_server.py"), f"--port={model_port}"], {})
            wait_ready(model, f"{raw_url}/health", timeout_s=READY_TIMEOUT_S)
            port, admin_port, ops_port = free_ports(*(USUAL_PORTS if usual_ports else (0, 0, 0)))
            key = f"kg-demo-{secrets.token_urlsafe(18)}"
            gateway = launch(
                "gateway",
                [
                    *(str(Path(sys.executable).with_name("kaigate")), "serve"),
                    *("--config", str(written_config(config, folder, f"{raw_url}/v1"))),
                    *(f"--host={HOST}", f"--port={port}", f"--admin-port={admin_port}", f"--ops-port={ops_port}"),
                ],
                {KEY_VARIABLE: key, "XDG_DATA_HOME": str(folder / "data")},
            )
            wait_ready(gateway, f"http://{HOST}:{port}/health/readiness", timeout_s=READY_TIMEOUT_S)
            yield Stack(
                base_url=f"http://{HOST}:{port}/v1",
                raw_url=f"{raw_url}/v1",
                admin_url=f"http://{HOST}:{admin_port}",
                ops_url=f"http://{HOST}:{ops_port}",
                key=key,
                children=(model, gateway),
            )
        finally:
            interrupts.disarm()


def written_config(template: Path, folder: Path, upstream: str) -> Path:
    """A copy of `template` in `folder` that names `upstream` instead of the usual address; ValueError without that."""
    text = template.read_text()
    if text.count(UPSTREAM) != 1:
        raise ValueError(f"{template} must name the model server once, as {UPSTREAM}")
    written = folder / "gateway.yaml"
    written.write_text(text.replace(UPSTREAM, upstream))
    return written
