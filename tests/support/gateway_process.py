"""A real `kaigate serve` for tests, as its own process on free loopback ports."""

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from demo.processes import HOST, Child, free_ports, start, stop, wait_ready

READY_TIMEOUT_S: Final = 30.0
KEY_VARIABLE: Final = "KAIGATE_TEST_KEY"
KEY: Final = "kg-test-" + "0123456789abcdef" * 2


@dataclass(frozen=True)
class GatewayProcess:
    """A running gateway. URLs have no trailing slash; the OpenAI base URL is `base_url`."""

    child: Child
    url: str
    admin_url: str
    ops_url: str
    config_file: Path

    @property
    def base_url(self) -> str:
        """What an OpenAI client is given."""
        return f"{self.url}/v1"

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self.child.process.pid

    def log(self) -> str:
        """Everything it printed so far, standard error included."""
        return self.child.log.read_text(errors="replace")

    def send_signal(self, number: signal.Signals) -> None:
        """Deliver a signal to the server."""
        self.child.process.send_signal(number)

    def wait(self, timeout_s: float) -> int:
        """Wait for its end; returns the exit code, raises subprocess.TimeoutExpired."""
        return self.child.process.wait(timeout_s)


@contextmanager
def running_gateway(
    config: Mapping[str, object],
    folder: Path,
    *,
    env: Mapping[str, str] | None = None,
    guardrails: Mapping[str, object] | None = None,
) -> Iterator[GatewayProcess]:
    """Serve `config` (the content of gateway.yaml) from `folder`, ready when this yields, ended afterwards.

    Without `server.drain_delay_s` it stops at once. Without `keys` the key `KEY` is valid. `guardrails` becomes
    guardrails.yaml beside the file. `env` is added to the environment, from which other KAIGATE_* settings are removed.
    Raises ChildFailedError with the log's end when it does not become ready.
    """
    file = folder / "gateway.yaml"
    file.write_text(yaml.safe_dump(_with_defaults(config), sort_keys=False))
    if guardrails is not None:
        (folder / "guardrails.yaml").write_text(yaml.safe_dump(dict(guardrails), sort_keys=False))
    port, admin_port, ops_port = free_ports(0, 0, 0)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("KAIGATE_")}
    child = start(
        "gateway",
        [
            *(str(Path(sys.executable).with_name("kaigate")), "serve", "--config", str(file), "--host", HOST),
            *("--port", str(port), "--admin-port", str(admin_port), "--ops-port", str(ops_port)),
        ],
        log=folder / "gateway.log",
        env=inherited | {KEY_VARIABLE: KEY, "XDG_DATA_HOME": str(folder / "data")} | dict(env or {}),
    )
    url = f"http://{HOST}:{port}"
    try:
        wait_ready(child, f"{url}/health/readiness", timeout_s=READY_TIMEOUT_S)
        yield GatewayProcess(child, url, f"http://{HOST}:{admin_port}", f"http://{HOST}:{ops_port}", file)
    finally:
        stop(child)


def _with_defaults(config: Mapping[str, object]) -> dict[str, object]:
    # Tests of limits say which; all others are about something else.
    completed = {"keys": {"static": {"test": {"key": f"env:{KEY_VARIABLE}"}}}, "limits": {"enabled": False}} | dict(
        config
    )
    server = completed.get("server", {})
    if not isinstance(server, Mapping):
        raise TypeError("server must be a mapping")
    return completed | {"server": {"drain_delay_s": 0} | dict(server)}
