"""Listening sockets, and the uvicorn server of a port that is off the hot path."""

import contextlib
import socket
from collections.abc import Iterator
from typing import Final

import uvicorn

from kaigate.app.asgi import AsgiApp
from kaigate.config.models import ServerSettings

_BACKLOG: Final = 2048


class Listener(uvicorn.Server):
    """A uvicorn server that leaves signals to the process: there are three of them in it."""

    def __init__(self, config: uvicorn.Config, listening: socket.socket) -> None:
        super().__init__(config)
        self._listening = listening

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def listen(self) -> None:
        """Serve until `should_exit`."""
        await self.serve(sockets=[self._listening])

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that it really listens on."""
        name = self._listening.getsockname()
        return str(name[0]), int(name[1])


def listener(app: AsgiApp, host: str, port: int, settings: ServerSettings) -> Listener:
    """A listener for `app`, its socket bound and listening; raises OSError naming the address that is taken.

    h11 rather than httptools: it bounds a request's head by itself.
    """
    config = uvicorn.Config(
        app,
        loop="none",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        h11_max_incomplete_event_size=settings.max_header_bytes,
        limit_concurrency=settings.max_connections,
        timeout_keep_alive=max(1, round(settings.keep_alive_s)),
        timeout_graceful_shutdown=1,
    )
    return Listener(config, bind(host, port, reuse_port=settings.reuse_port))


def bind(host: str, port: int, *, reuse_port: bool) -> socket.socket:
    """A listening socket; raises OSError naming the address where it can't be had."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            # One socket for both families, so that "::" also takes IPv4 clients.
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listening.bind(address)
        listening.listen(_BACKLOG)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise OSError(error.errno, f"{host} port {port}: {error.strerror}") from error
    return listening
