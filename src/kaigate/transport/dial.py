"""New connections: to a checked address or through a proxy, with TLS, and what each failure means."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from typing import cast

from kaigate.transport.connection import HttpConnection
from kaigate.transport.egress import EgressGuard, is_literal
from kaigate.transport.errors import ConnectFailed, ConnectTimeout, TlsFailed
from kaigate.transport.proxy import Proxy, ProxyPolicy
from kaigate.transport.target import Deadlines, Target
from kaigate.transport.tls import TlsSettings, client_context
from kaigate.transport.tunnel import Tunnel, connect_request


class Dialer:
    """Opens connections under one guard and proxy policy; keeps the TLS contexts, one per settings."""

    def __init__(self, guard: EgressGuard, proxy: ProxyPolicy) -> None:
        self.guard = guard
        self._proxy = proxy
        self._contexts: dict[TlsSettings, ssl.SSLContext] = {}
        self._loading = asyncio.Lock()  # a burst of first connections reads the files once

    async def open(self, target: Target, deadlines: Deadlines, create: Callable[[], HttpConnection]) -> HttpConnection:
        """A connected HttpConnection from `create`, TLS included.

        Raises EgressRefused, ConnectFailed, ConnectTimeout or TlsFailed; leaves no socket behind, cancelled or not.
        """
        url = target.origin.url
        try:
            async with asyncio.timeout(deadlines.connect_s):
                proxy = self._proxy.proxy_for(target)
                context = await self._context(target)
                if proxy is not None and context is not None:
                    return await self._through(proxy, target, context, create())
                addresses = await self.guard.addresses(target.origin)
                return await _first_reachable(addresses, target, context, deadlines.connect_s, create)
        except ssl.SSLCertVerificationError as error:
            raise TlsFailed(f"the certificate of {url} was not accepted: {error.verify_message}") from error
        except ssl.SSLError as error:
            raise TlsFailed(f"the TLS handshake with {url} failed") from error
        except TimeoutError as error:
            raise ConnectTimeout(f"no connection to {url} within {deadlines.connect_s:g} s") from error
        except OSError as error:
            raise ConnectFailed(f"no connection to {url}: {error.strerror or 'connection lost'}") from error

    async def _context(self, target: Target) -> ssl.SSLContext | None:
        if target.origin.scheme == "http":
            return None
        settings = target.tls or TlsSettings()
        async with self._loading:
            context = self._contexts.get(settings)
            if context is None:
                loop = asyncio.get_running_loop()
                try:
                    context = await loop.run_in_executor(None, client_context, settings)
                except OSError as error:
                    raise TlsFailed(f"the TLS files for {target.origin.url} cannot be loaded") from error
                self._contexts[settings] = context
            return context

    async def _through(
        self, proxy: Proxy, target: Target, context: ssl.SSLContext, connection: HttpConnection
    ) -> HttpConnection:
        origin = target.origin
        self.guard.admit_origin(origin)
        if is_literal(origin.host):
            await self.guard.resolve(origin.host, origin.port)
        loop = asyncio.get_running_loop()
        tunnel = Tunnel(loop)
        try:
            raw = await self._reach_proxy(proxy, tunnel)
            raw.write(connect_request(origin, proxy))
            await tunnel.established
            protocol = cast("asyncio.Protocol", connection)
            secured = await loop.start_tls(raw, protocol, context, server_hostname=_server_name(target))
        except BaseException:
            if tunnel.transport is not None:
                tunnel.transport.abort()
            raise
        if secured is None:
            raise ConnectFailed(f"the tunnel through {proxy.host} closed")
        connection.connection_made(secured)
        return connection

    async def _reach_proxy(self, proxy: Proxy, tunnel: Tunnel) -> asyncio.Transport:
        loop = asyncio.get_running_loop()
        failure: OSError | None = None
        for address in await self.guard.resolve(proxy.host, proxy.port):
            try:
                transport, _ = await loop.create_connection(
                    lambda: cast("asyncio.Protocol", tunnel), address, proxy.port
                )
            except OSError as error:
                failure = error
            else:
                return transport
        raise ConnectFailed(f"no connection to the proxy {proxy.host}") from failure


async def _first_reachable(
    addresses: Sequence[str],
    target: Target,
    context: ssl.SSLContext | None,
    patience: float,
    create: Callable[[], HttpConnection],
) -> HttpConnection:
    """Try each address with an equal share of the time that is left; a TLS failure is final."""
    loop = asyncio.get_running_loop()
    until = loop.time() + patience
    failure: OSError = ConnectionRefusedError()
    for index, address in enumerate(addresses):
        connection = create()
        try:
            async with asyncio.timeout((until - loop.time()) / (len(addresses) - index)):
                await _connect(loop, address, target, context, connection)
        except ssl.SSLError:
            connection.abort()
            raise
        except OSError as error:  # TimeoutError is one
            connection.abort()
            failure = error
        except BaseException:
            connection.abort()
            raise
        else:
            return connection
    raise failure


async def _connect(
    loop: asyncio.AbstractEventLoop,
    address: str,
    target: Target,
    context: ssl.SSLContext | None,
    connection: HttpConnection,
) -> None:
    # The connection has the protocol's methods without inheriting asyncio's base class.
    protocol = cast("asyncio.Protocol", connection)
    port = target.origin.port
    if context is None:
        await loop.create_connection(lambda: protocol, address, port)
    else:
        await loop.create_connection(lambda: protocol, address, port, ssl=context, server_hostname=_server_name(target))


def _server_name(target: Target) -> str:
    tls = target.tls
    return target.origin.host if tls is None or tls.server_hostname is None else tls.server_hostname
