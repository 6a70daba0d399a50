"""New connections: socket, TLS, login, and the proof that a master answers."""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from kaigate.store.errors import StoreError, StoreRefused, StoreUnavailable
from kaigate.store.redis.connection import Argument, Connection, pack
from kaigate.store.redis.replies import ErrorReply
from kaigate.store.redis.url import Address, RedisUrl

CLIENT_NAME: Final = "kaigate"
# Restricted users and proxies may lack these; nothing depends on them.
OPTIONAL: Final = frozenset({"CLIENT", "ROLE"})

Greeting = Callable[[Connection], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RedisTls:
    """PEM files and the name for TLS; certificates are always verified.

    `ca_file` replaces the system's certificate authorities; `server_name` is sent and checked where it differs from the
    host.
    """

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    server_name: str | None = None


class Dialer:
    """Opens connections for one URL. `timeout_s` is for a call, `connect_timeout_s` for a connection with its login."""

    def __init__(
        self, url: RedisUrl, tls: RedisTls, *, timeout_s: float, connect_timeout_s: float, max_pending: int
    ) -> None:
        self._url = url
        self._tls = tls
        self._timeout_s = timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._max_pending = max_pending
        self._context: ssl.SSLContext | None = None

    async def open(self, address: Address, on_lost: Callable[[Connection, str], None]) -> Connection:
        """A connection to a master that is logged in and has just answered a PING within the time of a call.

        Raises StoreUnavailable, StoreTimeout or StoreRefused; leaves no socket behind, cancelled or not.
        """
        return await self._open(address, on_lost, self._connect_timeout_s, self._greet_master)

    async def ask(self, address: Address, timeout_s: float, *command: Argument) -> Any:
        """The answer of another node, such as a sentinel, to one command on a connection of its own."""
        if self._url.mode == "sentinel":
            # Sentinels often have no users of their own: they get to see the password only if they want one.
            with contextlib.suppress(StoreRefused):
                return await self._ask(address, timeout_s, _greet_nobody, command)
        return await self._ask(address, timeout_s, self._greet_with_login, command)

    async def _ask(self, address: Address, timeout_s: float, greet: Greeting, command: tuple[Argument, ...]) -> Any:
        connection = await self._open(address, _ignore, timeout_s, greet)
        try:
            return await connection.send(pack(command))
        finally:
            connection.close()

    async def _open(
        self, address: Address, on_lost: Callable[[Connection, str], None], patience: float, greet: Greeting
    ) -> Connection:
        connection = Connection(timeout_s=patience, max_pending=self._max_pending, on_lost=on_lost)
        try:
            async with asyncio.timeout(patience):
                await self._connect(address, connection)
                await greet(connection)
        except BaseException as error:
            connection.close()
            reason = _reason(error)
            if reason is None:
                raise
            raise StoreUnavailable(reason) from error
        return connection

    async def _connect(self, address: Address, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        if not self._url.tls:
            await loop.create_connection(lambda: connection, address.host, address.port)
            return
        if self._context is None:
            self._context = await loop.run_in_executor(None, client_context, self._tls)
        name = self._tls.server_name or address.host
        await loop.create_connection(
            lambda: connection, address.host, address.port, ssl=self._context, server_hostname=name
        )

    async def _greet_master(self, connection: Connection) -> None:
        database: list[tuple[Argument, ...]] = [("SELECT", self._url.database)] if self._url.database else []
        *_, role = await _pipeline(connection, *self._login(), *database, ("CLIENT", "SETNAME", CLIENT_NAME), ("ROLE",))
        if isinstance(role, list) and role[0] != b"master":
            raise StoreUnavailable("the node found is not a master")
        connection.use_timeout(self._timeout_s)
        await _pipeline(connection, ("PING",))

    async def _greet_with_login(self, connection: Connection) -> None:
        await _pipeline(connection, *self._login())

    def _login(self) -> list[tuple[Argument, ...]]:
        if self._url.password is None:
            return []
        user = () if self._url.username is None else (self._url.username,)
        return [("AUTH", *user, self._url.password)]


def client_context(tls: RedisTls) -> ssl.SSLContext:
    """Context that verifies chain and name, TLS 1.2 or newer. Reads files: blocking; raises OSError."""
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=tls.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.cert_file is not None:
        context.load_cert_chain(tls.cert_file, tls.key_file)
    return context


async def _greet_nobody(_connection: Connection) -> None:
    pass


async def _pipeline(connection: Connection, *commands: tuple[Argument, ...]) -> list[Any]:
    """Replies in order; the refusal of an optional command stands among them, another one is raised."""
    futures = [connection.send(pack(command)) for command in commands]
    replies: list[Any] = await asyncio.gather(*futures, return_exceptions=True)
    for command, reply in zip(commands, replies, strict=True):
        if isinstance(reply, ErrorReply) and command[0] not in OPTIONAL:
            # Without the server's text: it may repeat the password.
            raise StoreRefused(f"the store refused {command[0]!s}: {reply.code}") from None
        if isinstance(reply, BaseException) and not isinstance(reply, ErrorReply):
            raise reply
    return replies


def _reason(error: BaseException) -> str | None:
    """What to say about a failed attempt; None for what says it itself."""
    match error:
        case StoreError():
            return None
        case ssl.SSLCertVerificationError():
            return f"the store's certificate was not accepted: {error.verify_message}"
        case ssl.SSLError():
            return "the TLS handshake with the store failed"
        case TimeoutError():
            return "no connection to the store in time"
        case FileNotFoundError() | PermissionError():
            return "the TLS files of the store can't be read"
        case OSError():
            return f"no connection to the store: {error.strerror or 'connection lost'}"
        case ValueError() | OverflowError():  # what a node or a sentinel told us
            return "the store's address is not valid"
    return None


def _ignore(_connection: Connection, _reason: str) -> None:
    """The one call on it says what went wrong."""
