"""The operations port: metrics and probes, without keys, for the cluster's own network."""

import asyncio

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from kaigate.app.asgi import AsgiApp, Receive, Scope, Send
from kaigate.app.health import probe, respond
from kaigate.app.lifecycle import Lifecycle
from kaigate.app.routes import PROBES
from kaigate.telemetry.metrics import Metrics

_NOT_FOUND = b'{"error":"not found; this port serves /metrics and /health"}'


def ops_app(metrics: Metrics, lifecycle: Lifecycle) -> AsgiApp:
    """The ASGI application of the operations port."""

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        path: bytes = scope["raw_path"]
        if scope["method"] not in ("GET", "HEAD"):
            await respond(send, 405, _NOT_FOUND, b"application/json")
        elif path in PROBES:
            await respond(send, *probe(path, lifecycle), b"application/json")
        elif path == b"/metrics":
            # Thousands of series take a while to print, in which answers would stand still.
            text = await asyncio.to_thread(generate_latest, metrics.registry)
            await respond(send, 200, text, CONTENT_TYPE_LATEST.encode())
        else:
            await respond(send, 404, _NOT_FOUND, b"application/json")

    return app
