"""TLS is verified against real handshakes; a CONNECT tunnel carries it, where that is allowed."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from kaigate.transport.egress import EgressGuard
from kaigate.transport.errors import ConnectFailed, ConnectTimeout, EgressRefused, TlsFailed, Truncated
from kaigate.transport.http import Deadlines, HttpClient, Origin, Target
from kaigate.transport.proxy import ProxyPolicy
from kaigate.transport.target import Zone
from kaigate.transport.tls import TlsSettings
from support.upstream_faults import CHUNKED, OK, QUICK, Connection, Upstream, always, client_for, once, upstream


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


def server_context(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


async def get(client: HttpClient, target: Target, deadlines: Deadlines = QUICK) -> bytes:
    response = await client.send(target, "GET", "/", [], b"", deadlines)
    with contextlib.closing(response):
        return await response.read(1 << 20)


async def test_a_verified_connection_is_reused(authority: trustme.CA, ca_file: str) -> None:
    async with upstream(always(OK), tls=server_context(authority)) as server, client_for(server) as client:
        target = server.target(tls=TlsSettings(ca_file=ca_file))
        for _ in range(5):
            assert await get(client, target) == b"ok"
        assert server.connections == 1


async def test_http_1_1_is_what_is_negotiated(authority: trustme.CA, ca_file: str) -> None:
    seen: list[str | None] = []

    async def script(connection: Connection) -> None:
        seen.append(connection.writer.get_extra_info("ssl_object").selected_alpn_protocol())
        await always(OK)(connection)

    async with upstream(script, tls=server_context(authority)) as server, client_for(server) as client:
        await get(client, server.target(tls=TlsSettings(ca_file=ca_file)))
    assert seen == ["http/1.1"]


async def test_an_unknown_authority_is_refused(authority: trustme.CA) -> None:
    async with upstream(always(OK), tls=server_context(authority)) as server, client_for(server) as client:
        with pytest.raises(TlsFailed, match="certificate"):
            await get(client, server.target())
        assert server.requests == []
        assert [pool.in_use for pool in client.stats()] == [0]


async def test_a_certificate_for_another_name_is_refused(authority: trustme.CA, ca_file: str) -> None:
    context = server_context(authority, "other.test")
    async with upstream(always(OK), tls=context) as server, client_for(server) as client:
        with pytest.raises(TlsFailed, match="certificate"):
            await get(client, server.target(tls=TlsSettings(ca_file=ca_file)))
        # The same server is fine under the name that its certificate has.
        named = TlsSettings(ca_file=ca_file, server_hostname="other.test")
        assert await get(client, server.target(tls=named)) == b"ok"


async def test_tls_1_1_is_refused(authority: trustme.CA, ca_file: str) -> None:
    context = server_context(authority)
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    async with upstream(always(OK), tls=context) as server, client_for(server) as client:
        with pytest.raises((TlsFailed, ConnectFailed)):  # an alert or a reset, as the server likes
            await get(client, server.target(tls=TlsSettings(ca_file=ca_file)))
        assert server.requests == []


async def test_a_client_certificate_is_presented(authority: trustme.CA, ca_file: str, tmp_path: Path) -> None:
    leaf = authority.issue_cert("client.test")
    leaf.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    leaf.private_key_pem.write_to_path(tmp_path / "key.pem")
    context = server_context(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    async with upstream(always(OK), tls=context) as server, client_for(server) as client:
        with_key = TlsSettings(ca_file, str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))
        assert await get(client, server.target(tls=with_key)) == b"ok"
        # TLS 1.3 tells a client without a certificate only after the handshake.
        with pytest.raises((TlsFailed, Truncated, ConnectFailed)):
            await get(client, server.target(tls=TlsSettings(ca_file)))


async def test_plain_http_behind_an_https_origin_is_a_tls_failure(ca_file: str) -> None:
    async with upstream(once(OK)) as server:
        client = HttpClient(guard=EgressGuard([("127.0.0.1", server.port)]))
        target = Target(Origin("https", "127.0.0.1", server.port), "private", TlsSettings(ca_file))
        with pytest.raises((TlsFailed, ConnectFailed, ConnectTimeout)):
            await get(client, target, Deadlines(connect_s=0.3))
        await client.aclose()


async def test_a_body_until_close_is_cut_when_tls_did_not_say_goodbye(authority: trustme.CA, ca_file: str) -> None:
    head = b"HTTP/1.1 200 OK\r\n\r\nall of it"

    async def polite(connection: Connection) -> None:
        await connection.request()
        await connection.send(head)
        connection.writer.close()
        await connection.writer.wait_closed()

    async def rude(connection: Connection) -> None:
        await connection.request()
        await connection.send(head)
        await asyncio.sleep(0.05)

    for script, clean in ((polite, True), (rude, False)):
        async with upstream(script, tls=server_context(authority)) as server, client_for(server) as client:
            target = server.target(tls=TlsSettings(ca_file))
            if clean:
                assert await get(client, target) == b"all of it"
            else:
                with pytest.raises(Truncated):
                    await get(client, target)


async def test_a_stream_over_tls_that_is_cut_is_truncated(authority: trustme.CA, ca_file: str) -> None:
    script = once(CHUNKED + b"4\r\npart\r\n")
    async with upstream(script, tls=server_context(authority)) as server, client_for(server) as client:
        with pytest.raises(Truncated):
            await get(client, server.target(tls=TlsSettings(ca_file)))


class ProxyServer:
    """A CONNECT proxy that tunnels to one port, whatever name is asked for."""

    def __init__(self, port: int, answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> None:
        self.port = port
        self.answer = answer
        self.heads: list[bytes] = []

    async def __call__(self, connection: Connection) -> None:
        self.heads.append(await connection.reader.readuntil(b"\r\n\r\n"))
        await connection.send(self.answer)
        if b" 200 " not in self.answer:
            return
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError):
                while data := await source.read(65536):
                    sink.write(data)
                    await sink.drain()

        tasks = [
            asyncio.get_running_loop().create_task(pump(connection.reader, writer)),
            asyncio.get_running_loop().create_task(pump(reader, connection.writer)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            writer.close()


@contextlib.asynccontextmanager
async def through_proxy(
    authority: trustme.CA, proxy: ProxyServer, **policy: object
) -> AsyncIterator[tuple[HttpClient, Upstream, Upstream]]:
    async with (
        upstream(always(OK), tls=server_context(authority, "api.test")) as server,
        upstream(proxy) as front,
    ):
        proxy.port = server.port
        environ = {"HTTPS_PROXY": f"http://user:pass@127.0.0.1:{front.port}"}
        client = HttpClient(
            guard=EgressGuard([("api.test", 443)]),
            proxy=ProxyPolicy.from_environment(environ, **policy),  # type: ignore[arg-type]
        )
        try:
            yield client, server, front
        finally:
            await client.aclose()


def api(ca_file: str, zone: Zone = "external") -> Target:
    return Target(Origin("https", "api.test", 443), zone, TlsSettings(ca_file))


async def test_an_external_upstream_is_reached_through_the_tunnel(authority: trustme.CA, ca_file: str) -> None:
    proxy = ProxyServer(0)
    async with through_proxy(authority, proxy) as (client, server, front):
        for _ in range(3):
            assert await get(client, api(ca_file)) == b"ok"
        assert (server.connections, front.connections) == (1, 1)
        assert proxy.heads[0].startswith(b"CONNECT api.test:443 HTTP/1.1\r\nhost: api.test:443\r\n")
        assert b"proxy-authorization: Basic " in proxy.heads[0]
        assert b"proxy-authorization" not in server.requests[0]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\n\r\n",
        b"HTTP/1.1 403 Forbidden\r\n\r\n",
        b"",
        b"nonsense\r\n\r\n",
    ],
)
async def test_a_tunnel_that_is_not_granted_is_a_connect_failure(
    answer: bytes, authority: trustme.CA, ca_file: str
) -> None:
    async with through_proxy(authority, ProxyServer(0, answer)) as (client, server, _):
        with pytest.raises(ConnectFailed):
            await get(client, api(ca_file))
        assert server.connections == 0
        assert [pool.in_use for pool in client.stats()] == [0]


async def test_the_certificate_is_checked_through_the_tunnel_too(authority: trustme.CA) -> None:
    async with through_proxy(authority, ProxyServer(0)) as (client, server, _):
        with pytest.raises(TlsFailed):
            await get(client, Target(Origin("https", "api.test", 443), "external"))
        assert server.requests == []


async def test_a_silent_proxy_meets_the_connect_deadline(authority: trustme.CA, ca_file: str) -> None:
    async def silent(connection: Connection) -> None:
        await connection.reader.read()

    async with upstream(silent) as front:
        client = HttpClient(
            guard=EgressGuard([("api.test", 443)]),
            proxy=ProxyPolicy.from_environment({"HTTPS_PROXY": f"http://127.0.0.1:{front.port}"}),
        )
        with pytest.raises(ConnectTimeout):
            await get(client, api(ca_file), Deadlines(connect_s=0.1))
        await asyncio.sleep(0.05)
        assert front.open == 0
        await client.aclose()


async def test_a_proxy_host_that_is_not_allowed_is_never_contacted(authority: trustme.CA, ca_file: str) -> None:
    async with through_proxy(authority, ProxyServer(0), allowed_hosts=["proxy.test"]) as (client, _, front):
        with pytest.raises(EgressRefused):
            await get(client, api(ca_file))
        assert front.connections == 0


async def test_a_private_upstream_never_passes_the_proxy(authority: trustme.CA, ca_file: str) -> None:
    async with through_proxy(authority, ProxyServer(0)) as (client, _, front):
        with pytest.raises(ConnectFailed):  # api.test does not resolve here, and the proxy is not asked
            await get(client, api(ca_file, "private"))
        assert front.connections == 0


async def test_an_undeclared_host_is_refused_behind_a_proxy_too(authority: trustme.CA, ca_file: str) -> None:
    async with through_proxy(authority, ProxyServer(0)) as (client, _, front):
        with pytest.raises(EgressRefused):
            await get(client, Target(Origin("https", "evil.test", 443), "external", TlsSettings(ca_file)))
        assert front.connections == 0


async def test_a_forbidden_literal_is_refused_behind_a_proxy_too(authority: trustme.CA, ca_file: str) -> None:
    async with upstream(ProxyServer(0)) as front:
        client = HttpClient(
            guard=EgressGuard([("169.254.169.254", 443)]),
            proxy=ProxyPolicy.from_environment({"HTTPS_PROXY": f"http://127.0.0.1:{front.port}"}),
        )
        with pytest.raises(EgressRefused):
            await get(client, Target(Origin("https", "169.254.169.254", 443), "external", TlsSettings(ca_file)))
        assert front.connections == 0
        await client.aclose()


async def test_a_name_that_rebinds_is_refused_when_its_answer_is_renewed() -> None:
    answers = [["127.0.0.1"], ["169.254.169.254"]]

    async def rebinding(host: str, port: int) -> list[str]:
        return answers.pop(0)

    async with upstream(once(OK)) as server:
        guard = EgressGuard([("model.test", server.port)], resolver=rebinding, ttl_s=0.0)
        client = HttpClient(guard=guard)
        target = Target(Origin("http", "model.test", server.port), "private")
        assert await get(client, target) == b"ok"
        await asyncio.sleep(0.02)
        with pytest.raises(EgressRefused):
            await get(client, target)
        assert server.connections == 1
        await client.aclose()
