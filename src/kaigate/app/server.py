"""The API port: accepts connections, and ends them in order."""

import asyncio
import socket
from typing import Final

from kaigate.app.connection import HttpConnection
from kaigate.app.server_state import OnRefused, Serve, ServerState
from kaigate.config.models import ServerSettings

_TICK_S: Final = 0.02


class ApiServer:
    """Serves HTTP/1.1 on a listening socket until it is closed."""

    def __init__(self, serve: Serve, listening: socket.socket, settings: ServerSettings, refused: OnRefused) -> None:
        self._listening = listening
        self._server: asyncio.Server | None = None
        self._state = ServerState(
            serve=serve,
            refused=refused,
            max_head_bytes=settings.max_header_bytes,
            max_connections=settings.max_connections,
            keep_alive_s=settings.keep_alive_s,
            write_timeout_s=settings.write_timeout_s,
        )

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that it really listens on."""
        name = self._listening.getsockname()
        return str(name[0]), int(name[1])

    @property
    def connections(self) -> int:
        """Open client connections."""
        return len(self._state.connections)

    def limit_send_buffer(self, size: int) -> None:
        """Bound the kernel's buffer, in bytes, for answers on connections accepted from now on."""
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)

    async def start(self) -> None:
        """Accept connections."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: HttpConnection(self._state, loop), sock=self._listening)

    def turn_away(self) -> None:
        """Ask clients to reconnect elsewhere: connections close behind their next answer."""
        self._state.closing = True

    async def close(self, timeout_s: float) -> None:
        """Stop accepting, end idle connections, give the others `timeout_s` seconds, then cut them."""
        if self._server is not None:
            self._server.close()
        self._state.closing = True
        for connection in list(self._state.connections):
            connection.shutdown()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while self._state.connections and loop.time() < deadline:
            await asyncio.sleep(_TICK_S)
        for connection in list(self._state.connections):
            connection.abort()
        for task in list(self._state.tasks):
            task.cancel()
        if self._state.tasks:
            await asyncio.wait(list(self._state.tasks), timeout=1)
