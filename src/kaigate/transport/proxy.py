"""Outgoing HTTP proxies from the environment: HTTPS_PROXY and NO_PROXY, for external https upstreams only."""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Self
from urllib.parse import unquote, urlsplit

from kaigate.transport.errors import EgressRefused
from kaigate.transport.target import Origin, Target

PROXY_FORM = "HTTPS_PROXY must be http://[user:password@]host[:port]"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A CONNECT proxy; `authorization` is the value of Proxy-Authorization, a secret."""

    host: str
    port: int
    authorization: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Bypass:
    """One entry of NO_PROXY: a host with its subdomains, or a network; `port` None means every port."""

    host: str = ""
    network: IPv4Network | IPv6Network | None = None
    port: int | None = None

    def covers(self, origin: Origin) -> bool:
        """Whether `origin` is reached without the proxy."""
        if self.port is not None and self.port != origin.port:
            return False
        if self.network is not None:
            return _in_network(origin.host, self.network)
        return origin.host == self.host or origin.host.endswith("." + self.host)


@dataclass(frozen=True, slots=True)
class ProxyPolicy:
    """Which exchanges pass a proxy. `allowed_hosts` None means that any configured proxy host is trusted."""

    proxy: Proxy | None = None
    bypass: tuple[Bypass, ...] = ()
    bypass_all: bool = False
    allowed_hosts: frozenset[str] | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], *, allowed_hosts: Iterable[str] | None = None) -> Self:
        """Read HTTPS_PROXY and NO_PROXY, upper or lower case (lower wins, as in curl).

        Raises ValueError for a proxy URL that is not `http://[user:password@]host[:port]`.
        """
        url = environ.get("https_proxy") or environ.get("HTTPS_PROXY") or ""
        entries = [
            entry.strip().lower() for entry in (environ.get("no_proxy") or environ.get("NO_PROXY") or "").split(",")
        ]
        return cls(
            proxy=_parse_proxy(url) if url else None,
            bypass=tuple(_parse_bypass(entry) for entry in entries if entry not in ("", "*")),
            bypass_all="*" in entries,
            allowed_hosts=None if allowed_hosts is None else frozenset(host.lower() for host in allowed_hosts),
        )

    def proxy_for(self, target: Target) -> Proxy | None:
        """The proxy for `target`, None for a direct connection.

        Private-zone upstreams and plain http never pass a proxy: it could read or keep what must stay inside.
        Raises EgressRefused when the environment names a proxy host that is not allowed.
        """
        if self.proxy is None or self.bypass_all or target.zone == "private" or target.origin.scheme != "https":
            return None
        if any(entry.covers(target.origin) for entry in self.bypass):
            return None
        if self.allowed_hosts is not None and self.proxy.host not in self.allowed_hosts:
            raise EgressRefused(f"the proxy {self.proxy.host} is not on the list of allowed proxy hosts")
        return self.proxy


def _parse_proxy(url: str) -> Proxy:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port or 80
    except ValueError:
        # The original error may quote a password.
        raise ValueError(PROXY_FORM) from None
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(PROXY_FORM)
    authorization = None
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = b"Basic " + base64.b64encode(credentials.encode())
    return Proxy(parts.hostname, port, authorization)


def _parse_bypass(entry: str) -> Bypass:
    network = _parse_network(entry.strip("[]"))
    if network is not None:
        return Bypass(network=network)
    host, _, port = entry.rpartition(":")
    if host and port.isdigit():
        return Bypass(_strip_wildcard(host), _parse_network(host.strip("[]")), int(port))
    return Bypass(_strip_wildcard(entry))


def _strip_wildcard(host: str) -> str:
    return host.removeprefix("*").lstrip(".").rstrip(".")


def _parse_network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _in_network(host: str, network: IPv4Network | IPv6Network) -> bool:
    try:
        return ip_address(host) in network
    except ValueError:
        return False
