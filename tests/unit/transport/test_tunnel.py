"""A CONNECT tunnel is established by a clean 2xx and nothing else."""

import asyncio

import pytest

from kaigate.transport.errors import ConnectFailed
from kaigate.transport.proxy import Proxy
from kaigate.transport.target import Origin
from kaigate.transport.tunnel import MAX_HEAD_BYTES, Tunnel, connect_request

CLEAN = [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.0 200 Connection established\r\nVia: x\r\n\r\n", b"HTTP/1.1 204\r\n\r\n"]


def test_the_request_names_host_and_port_and_carries_credentials() -> None:
    assert connect_request(Origin("https", "api.test", 443), Proxy("p", 1)) == (
        b"CONNECT api.test:443 HTTP/1.1\r\nhost: api.test:443\r\n\r\n"
    )
    request = connect_request(Origin("https", "fd00::1", 8443), Proxy("p", 1, b"Basic eA=="))
    assert request.startswith(b"CONNECT [fd00::1]:8443 HTTP/1.1\r\n")
    assert b"\r\nproxy-authorization: Basic eA==\r\n" in request


@pytest.mark.parametrize("answer", CLEAN)
async def test_a_2xx_establishes_for_every_cut(answer: bytes) -> None:
    for cut in range(len(answer)):
        tunnel = Tunnel(asyncio.get_running_loop())
        tunnel.data_received(answer[:cut])
        tunnel.data_received(answer[cut:])
        await tunnel.established


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        b"HTTP/1.1 403 Forbidden\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"SSH-2.0\r\n\r\n",
        b"HTTP/1.1 2000\r\n\r\n",
        CLEAN[0] + b"\x15\x03",
        b"HTTP/1.1 200 OK\r\nx: " + b"x" * MAX_HEAD_BYTES,
    ],
)
async def test_anything_else_is_a_connect_failure(answer: bytes) -> None:
    tunnel = Tunnel(asyncio.get_running_loop())
    tunnel.data_received(answer)
    with pytest.raises(ConnectFailed):
        await tunnel.established


async def test_a_proxy_that_hangs_up_is_a_connect_failure() -> None:
    tunnel = Tunnel(asyncio.get_running_loop())
    tunnel.eof_received()
    tunnel.connection_lost(None)
    with pytest.raises(ConnectFailed):
        await tunnel.established
