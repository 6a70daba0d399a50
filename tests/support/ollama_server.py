"""A server on loopback, in a thread of its own, that lists models as Ollama does."""

import contextlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec


@dataclass
class OllamaServer:
    """What it has (digest by name), what it was sent, and where it listens; `status` is that of every answer."""

    models: dict[str, str] = field(default_factory=dict)
    status: int = 200
    port: int = 0
    headers: list[Mapping[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def ollama_server(models: Mapping[str, str]) -> Iterator[OllamaServer]:
    """Serve `GET /api/tags` until the block ends."""
    state = OllamaServer(dict(models))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.headers.append({name.lower(): value for name, value in self.headers.items()})
            body = msgspec.json.encode(
                {"models": [{"name": name, "model": name, "digest": item} for name, item in state.models.items()]}
            )
            self.send_response(state.status if self.path == "/api/tags" else 404)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
