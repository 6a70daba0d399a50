"""Where an exchange goes and how long it may take."""

from dataclasses import dataclass, field
from typing import Literal, Self
from urllib.parse import urlsplit

from kaigate.transport.tls import TlsSettings

Zone = Literal["private", "external"]
Scheme = Literal["http", "https"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port of an upstream; `host` is lower-case ASCII, an IPv6 literal stands without brackets."""

    scheme: Scheme
    host: str
    port: int

    @classmethod
    def parse(cls, url: str) -> tuple[Self, str]:
        """Split a base URL into its origin and its path without a trailing slash.

        Raises ValueError for anything but `http(s)://host[:port][/path]`: credentials, query and fragment are refused.
        """
        if not url.isascii() or not url.isprintable() or " " in url:
            raise ValueError("a base URL is printable ASCII without spaces; write an international name in punycode")
        parts = urlsplit(url)
        scheme: Scheme
        if parts.scheme == "https":
            scheme = "https"
        elif parts.scheme == "http":
            scheme = "http"
        else:
            raise ValueError("a base URL begins with http:// or https://")
        if "@" in parts.netloc or "?" in url or "#" in url:
            raise ValueError("a base URL has no credentials, query or fragment")
        host = (parts.hostname or "").rstrip(".")
        if not host or "%" in host:
            raise ValueError("a base URL names a host")
        port = parts.port if parts.port is not None else (443 if scheme == "https" else 80)
        if port == 0:
            raise ValueError("port 0 cannot be connected to")
        return cls(scheme, host, port), parts.path.rstrip("/")

    @property
    def authority(self) -> str:
        """`host[:port]` as the Host header and CONNECT write it; the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.scheme == "https" else 80
        return host if self.port == default else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The origin as text, for messages and statistics."""
        return f"{self.scheme}://{self.authority}"


@dataclass(frozen=True, slots=True)
class Target:
    """A declared upstream. Two targets share a pool when origin, zone and TLS are equal.

    `max_connections` bounds the pool; the value of the latest exchange holds, so that a reload needs no new pool.
    """

    origin: Origin
    zone: Zone
    tls: TlsSettings | None = None
    max_connections: int = field(default=256, compare=False)
    _hash: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.max_connections < 1:
            raise ValueError("max_connections is at least 1")
        # Hashing three dataclasses within each other is a cost of its own at every request.
        object.__setattr__(self, "_hash", hash((self.origin, self.zone, self.tls)))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds for a new connection, the response head, a pause within the body, and the whole exchange."""

    connect_s: float = 5.0
    first_byte_s: float = 120.0
    idle_s: float = 60.0
    total_s: float = 600.0


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Bounds of the client: bytes, counts and seconds."""

    header_bytes: int = 64 * 1024
    header_count: int = 100
    buffer_bytes: int = 256 * 1024  # undelivered body bytes beyond which the socket is no longer read
    write_slice_bytes: int = 64 * 1024
    keepalive_s: float = 30.0  # an idle connection is closed after this
    max_age_s: float = 300.0  # a connection is not reused beyond this age, so that changed DNS is followed
    queue_length: int = 1000  # exchanges that may wait for a slot, per pool
    queue_s: float = 10.0
    stale_retry_s: float = 2.0  # a later loss is a crash while working, not the end of an idle connection


@dataclass(frozen=True, slots=True)
class PoolStats:
    """A pool at one moment: connections by state, exchanges that wait, and the pool's bound."""

    origin: str
    zone: Zone
    idle: int
    in_use: int
    waiting: int
    max_connections: int
