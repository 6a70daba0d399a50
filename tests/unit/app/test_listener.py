"""Listening sockets."""

import socket

import pytest

from kaigate.app.listener import bind, listener
from kaigate.config.models import ServerSettings


def test_a_taken_address_is_named():
    with bind("127.0.0.1", 0, reuse_port=False) as first:
        port = first.getsockname()[1]
        with pytest.raises(OSError, match=f"127.0.0.1 port {port}: "):
            bind("127.0.0.1", port, reuse_port=False)


def test_processes_may_share_a_port():
    with bind("127.0.0.1", 0, reuse_port=True) as first:
        port = first.getsockname()[1]
        with bind("127.0.0.1", port, reuse_port=True) as second:
            assert second.getsockname()[1] == port


def test_one_socket_serves_both_address_families():
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 on this machine")
    with bind("::", 0, reuse_port=False) as listening:
        with socket.create_connection(("127.0.0.1", listening.getsockname()[1]), timeout=2):
            pass


def test_a_side_port_bounds_heads_and_connections():
    settings = ServerSettings(max_header_bytes=4096, max_connections=7)

    async def app(scope, receive, send):
        pass

    made = listener(app, "127.0.0.1", 0, settings)
    with made._listening:
        assert made.address == made._listening.getsockname()
        assert made.config.h11_max_incomplete_event_size == 4096
        assert made.config.limit_concurrency == 7
        assert not made.config.proxy_headers
        assert not made.config.server_header
