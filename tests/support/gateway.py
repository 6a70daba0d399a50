"""A gateway inside the test's own event loop, on a real socket, so that tests can look into it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import yaml

from kaigate.app.assemble import Process, build
from kaigate.app.data import DataApp
from kaigate.app.lifecycle import Lifecycle
from kaigate.app.listener import bind
from kaigate.app.runtime import Runtime
from kaigate.app.server import ApiServer
from kaigate.app.stores import open_stores
from kaigate.clock import SystemClock
from kaigate.config.check import check
from kaigate.config.load import load
from kaigate.keys.policy import KeyPolicy
from kaigate.providers.registry import ROWS
from kaigate.telemetry.metrics import Metrics
from kaigate.transport.egress import EgressGuard
from kaigate.transport.http import HttpClient

KEY = "kg-test-" + "0123456789abcdef" * 2
AUTH = f"authorization: Bearer {KEY}\r\n"


@dataclass
class Gateway:
    """A running gateway and its insides."""

    runtime: Runtime
    server: ApiServer
    records: list[Mapping[str, Any]] = field(default_factory=list)
    stores: Any = None
    process: Any = None

    @property
    def port(self) -> int:
        return self.server.address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def sample(self, name: str, **labels: str) -> float:
        """One metric's value, 0 where it has none yet."""
        return self.runtime.metrics.registry.get_sample_value(name, labels) or 0.0


def settings(port: int, **changes: Any) -> dict[str, Any]:
    """A configuration with one OpenAI-compatible upstream on `port`, serving the model `m`."""
    config: dict[str, Any] = {
        "server": {"drain_delay_s": 0},
        "providers": {
            "up": {"type": "openai_compatible", "base_url": f"http://127.0.0.1:{port}/v1", "zone": "private"}
        },
        "models": {"m": {"deployments": [{"provider": "up"}]}},
        "keys": {"static": {"test": {"key": "env:TEST_KEY"}}},
        # Tests of limits say which; all others are about something else.
        "limits": {"enabled": False},
    }
    providers = changes.pop("providers", {})
    config["providers"] |= {name: {**config["providers"]["up"], **given} for name, given in providers.items()}
    for section, values in changes.items():
        config[section] = {**config.get(section, {}), **values}
    return config


@contextlib.asynccontextmanager
async def running(
    config: Mapping[str, Any], folder: Path, env: Mapping[str, str] | None = None
) -> AsyncIterator[Gateway]:
    """Serve `config` until the block ends."""
    path = folder / "gateway.yaml"
    records: list[Mapping[str, Any]] = []
    metrics = Metrics()
    environment = {"TEST_KEY": KEY, "HOME": str(folder), **(env or {})}
    client = HttpClient(guard=EgressGuard(()))
    process = Process(
        clock=SystemClock(),
        metrics=metrics,
        client=client,
        record=records.append,
        env=environment,
        started_at=int(time.time()),
    )

    def prepare() -> Any:
        path.write_text(yaml.safe_dump(dict(config)))
        loaded = check(load(path, environment), ROWS)
        policy = KeyPolicy.build(loaded.config)
        process.stores = open_stores(loaded, policy, environment, metrics.limits, process.clock)
        return build(loaded, policy, process)

    snapshot = await asyncio.to_thread(prepare)
    stores = process.stores
    if stores is not None:
        await stores.start()
    lifecycle = Lifecycle()
    lifecycle.state = "ready"
    runtime = Runtime(clock=process.clock, metrics=metrics, lifecycle=lifecycle, client=client, snapshot=snapshot)
    app = DataApp(runtime)
    server = ApiServer(app, bind("127.0.0.1", 0, reuse_port=False), snapshot.config.server, app.refused)
    await server.start()
    try:
        yield Gateway(runtime, server, records, stores, process)
    finally:
        await server.close(1)
        if runtime.snapshot.tokens is not None:
            await runtime.snapshot.tokens.close()
        await client.aclose()
        if stores is not None:
            await stores.aclose()


@dataclass
class Answer:
    """A raw HTTP answer. `complete` is False when the connection was cut before the body's end."""

    status: int
    headers: dict[str, str]
    body: bytes
    complete: bool = True

    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def code(self) -> str:
        return str(self.json()["error"]["code"])

    @property
    def events(self) -> list[Any]:
        """The data of a stream's events, decoded; `[DONE]` stays text."""
        lines = [line[6:] for line in self.body.split(b"\n\n") if line.startswith(b"data: ")]
        return ["[DONE]" if line == b"[DONE]" else msgspec.json.decode(line) for line in lines]

    @property
    def text(self) -> str:
        """The text of a streamed or complete answer's first choice."""
        if "event-stream" not in self.headers.get("content-type", ""):
            return str(self.json()["choices"][0]["message"]["content"])
        choices = [event["choices"][0] for event in self.events if event != "[DONE]" and event.get("choices")]
        return "".join(choice["delta"].get("content") or "" for choice in choices)


def chat(text: str = "hello", **fields: Any) -> bytes:
    """A chat request's body."""
    return msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": text}], **fields})


def post(body: bytes, path: str = "/v1/chat/completions", headers: str = AUTH) -> bytes:
    """A complete POST request."""
    fields = f"host: x\r\ncontent-type: application/json\r\n{headers}content-length: {len(body)}\r\n"
    return f"POST {path} HTTP/1.1\r\n{fields}\r\n".encode() + body


def get(path: str, headers: str = AUTH) -> bytes:
    """A complete GET request."""
    return f"GET {path} HTTP/1.1\r\nhost: x\r\n{headers}\r\n".encode()


async def call(gateway: Gateway, request: bytes, *, timeout_s: float = 10.0) -> Answer:
    """Send raw bytes on a new connection and read one answer."""
    return await call_port(gateway.port, request, timeout_s=timeout_s)


async def call_port(port: int, request: bytes, *, timeout_s: float = 10.0) -> Answer:
    """The same to a gateway of another process."""
    async with asyncio.timeout(timeout_s):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
        try:
            writer.write(request)
            return await read_answer(reader)
        finally:
            writer.transport.abort()


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """One answer from a connection."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    status = int(head[0].split()[1])
    if "content-length" in headers:
        try:
            return Answer(status, headers, await reader.readexactly(int(headers["content-length"])))
        except asyncio.IncompleteReadError as error:
            return Answer(status, headers, error.partial, complete=False)
    body = b""
    while True:
        try:
            size = int(await reader.readuntil(b"\r\n"), 16)
            data = await reader.readexactly(size + 2)
        except (asyncio.IncompleteReadError, ConnectionError):
            return Answer(status, headers, body, complete=False)
        if not size:
            return Answer(status, headers, body)
        body += data[:-2]
