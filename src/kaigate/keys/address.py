"""The client's address behind proxies that the configuration trusts."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_HEADER_BYTES: Final = 2048


class ProxyTrust:
    """Which peers may say for whom they speak; `networks` are CIDR networks or single addresses."""

    __slots__ = ("_client", "_networks", "_trusted")

    def __init__(self, networks: Sequence[str]) -> None:
        """Raises ValueError for text that is no network."""
        self._networks = tuple(ipaddress.ip_network(network) for network in networks)
        # Parsing addresses costs as much as half a request; the same clients and proxies come again and again.
        self._trusted = lru_cache(maxsize=256)(self._is_trusted)
        self._client = lru_cache(maxsize=1024)(self._behind)

    def client(self, peer: str, forwarded_for: bytes | None) -> str:
        """The address to hold responsible, in canonical form.

        `forwarded_for` is X-Forwarded-For, several headers joined by commas. It is read from the right, each trusted
        proxy vouching for the one before it, and the first untrusted address is the client. What a client wrote itself
        is thus never believed. A malformed element on the way gives the peer.
        """
        if not self._networks or forwarded_for is None or len(forwarded_for) > MAX_HEADER_BYTES:
            return peer
        return self._client(peer, forwarded_for)

    def _behind(self, peer: str, forwarded_for: bytes) -> str:
        if not self._trusted(peer):
            return peer
        client = peer
        for element in reversed(forwarded_for.split(b",")):
            address = parse_address(element.strip().decode("latin-1"))
            if address is None:
                return peer
            client = str(address)
            if not self._trusted(client):
                return client
        return client

    def _is_trusted(self, address: str) -> bool:
        parsed = parse_address(address)
        return parsed is not None and any(parsed in network for network in self._networks)


def parse_address(text: str) -> Address | None:
    """An IP address, also as `1.2.3.4:80`, `[::1]` or `[::1]:80`; IPv4-mapped IPv6 is IPv4. None for anything else."""
    if text.startswith("["):
        text, closed, port = text[1:].partition("]")
        if not closed or (port and not _is_port(port.removeprefix(":"))):
            return None
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
        if not _is_port(port):
            return None
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped if mapped is not None else address


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5
