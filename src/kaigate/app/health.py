"""The probes, served on the API and the operations port alike."""

from kaigate.app.asgi import Send
from kaigate.app.lifecycle import Lifecycle

_HEALTHY = b'{"status":"healthy"}'
_UNREADY = {
    "starting": b'{"status":"starting"}',
    "draining": b'{"status":"draining"}',
    "refusing": b'{"status":"draining"}',
}


def probe(path: bytes, lifecycle: Lifecycle) -> tuple[int, bytes]:
    """Status and body of a probe: readiness follows the life cycle, liveness only says that the event loop turns."""
    if path == b"/health/readiness" and not lifecycle.ready:
        return 503, _UNREADY[lifecycle.state]
    return 200, _HEALTHY


async def respond(send: Send, status: int, body: bytes, content_type: bytes) -> None:
    """Send a complete answer that belongs to no exchange."""
    headers = [
        (b"content-type", content_type),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
