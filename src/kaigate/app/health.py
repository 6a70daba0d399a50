"""The probes, served on the API and the operations port alike."""

from kaigate.app.client import Send
from kaigate.app.lifecycle import Lifecycle

_HEALTHY = b'{"status":"healthy"}'
_UNREADY = {
    "starting": b'{"status":"starting"}',
    "draining": b'{"status":"draining"}',
    "refusing": b'{"status":"draining"}',
}


async def probe(path: bytes, lifecycle: Lifecycle, send: Send) -> None:
    """Answer a probe: readiness follows the life cycle, liveness only says that the event loop turns."""
    status, body = 200, _HEALTHY
    if path == b"/health/readiness" and not lifecycle.ready:
        status, body = 503, _UNREADY[lifecycle.state]
    await respond(send, status, body, b"application/json")


async def respond(send: Send, status: int, body: bytes, content_type: bytes) -> None:
    """Send a complete answer that belongs to no exchange."""
    headers = [
        (b"content-type", content_type),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
