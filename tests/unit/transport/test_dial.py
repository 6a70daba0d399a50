"""What a connection attempt refuses before it opens a socket."""

import asyncio
from collections.abc import Sequence

import pytest

from kaigate.transport.connection import HttpConnection
from kaigate.transport.dial import Dialer
from kaigate.transport.egress import EgressGuard
from kaigate.transport.errors import ConnectFailed, ConnectTimeout, EgressRefused, TlsFailed, TransportError
from kaigate.transport.proxy import ProxyPolicy
from kaigate.transport.target import Deadlines, Origin, Target
from kaigate.transport.tls import TlsSettings

HOST = Origin("https", "model.test", 443)
PLAIN = Origin("http", "model.test", 443)


def never_made() -> HttpConnection:
    raise AssertionError("no connection should be made")


async def slow(host: str, port: int) -> Sequence[str]:
    await asyncio.sleep(60)
    return []


async def absent(host: str, port: int) -> Sequence[str]:
    raise OSError("no such host")


async def metadata(host: str, port: int) -> Sequence[str]:
    return ["169.254.169.254"]


@pytest.mark.parametrize(
    ("guard", "error"),
    [
        (EgressGuard([]), EgressRefused),
        (EgressGuard([("model.test", 443)], resolver=metadata), EgressRefused),
        (EgressGuard([("model.test", 443)], resolver=absent), ConnectFailed),
        (EgressGuard([("model.test", 443)], resolver=slow), ConnectTimeout),
    ],
)
async def test_the_guard_decides_before_a_socket_is_opened(guard: EgressGuard, error: type[TransportError]) -> None:
    dialer = Dialer(guard, ProxyPolicy())
    with pytest.raises(error):
        await dialer.open(Target(PLAIN, "external"), Deadlines(connect_s=0.05), never_made)


async def test_tls_files_that_cannot_be_read_are_named_as_such() -> None:
    dialer = Dialer(EgressGuard([("model.test", 443)]), ProxyPolicy())
    target = Target(HOST, "external", TlsSettings(ca_file="/nonexistent/ca.pem"))
    with pytest.raises(TlsFailed, match="cannot be loaded"):
        await dialer.open(target, Deadlines(), never_made)


async def test_a_proxy_that_is_not_allowed_is_refused_before_anything_is_resolved() -> None:
    policy = ProxyPolicy.from_environment({"HTTPS_PROXY": "http://127.0.0.1:1"}, allowed_hosts=[])
    dialer = Dialer(EgressGuard([("model.test", 443)]), policy)
    with pytest.raises(EgressRefused):
        await dialer.open(Target(HOST, "external"), Deadlines(), never_made)
