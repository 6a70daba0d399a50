"""Where a Valkey or Redis is, as written in one URL."""

from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

Mode = Literal["standalone", "sentinel", "cluster"]

DEFAULT_PORT: Final = 6379
DEFAULT_SENTINEL_PORT: Final = 26379
MAX_NODES: Final = 64
MAX_DATABASE: Final = 1_000_000
# scheme -> how the server is found, whether by TLS
SCHEMES: Final[dict[str, tuple[Mode, bool]]] = {
    "redis": ("standalone", False),
    "rediss": ("standalone", True),
    "redis+sentinel": ("sentinel", False),
    "rediss+sentinel": ("sentinel", True),
    "redis+cluster": ("cluster", False),
    "rediss+cluster": ("cluster", True),
}


@dataclass(frozen=True, slots=True)
class Address:
    """A host, name or literal without brackets, and a TCP port; ValueError for a port that can't be."""

    host: str
    port: int

    def __post_init__(self) -> None:
        if not 0 < self.port < 65_536:
            raise ValueError("a port is a number from 1 to 65535")


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """A parsed URL. `nodes` are the server, the sentinels, or some of the cluster's nodes; `service` is Sentinel's."""

    mode: Mode
    nodes: tuple[Address, ...]
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    database: int = 0
    service: str = ""

    @staticmethod
    def parse(text: str) -> "RedisUrl":
        """Read `redis[s][+sentinel|+cluster]://[user][:password@]host[:port][,...][/...]`.

        The path is `/database`, behind `+sentinel` `/service[/database]`. User and password are percent-encoded. Raises
        ValueError, whose message repeats nothing of the text but its scheme.
        """
        scheme, separator, rest = text.partition("://")
        if not separator or scheme not in SCHEMES:
            raise ValueError(f"a Redis URL begins with {', '.join(f'{name}://' for name in SCHEMES)}")
        mode, tls = SCHEMES[scheme]
        if any(mark in rest for mark in "?#") or any(ord(c) <= 0x20 or ord(c) == 0x7F for c in rest):
            raise ValueError("a Redis URL has no query, no fragment and no spaces; percent-encode them in a password")
        authority, _, path = rest.partition("/")
        credentials, _, hosts = authority.rpartition("@")
        username, password = _credentials(credentials)
        service, database = _path(mode, path)
        return RedisUrl(mode, _nodes(mode, hosts), tls, username, password, database, service)


def _credentials(text: str) -> tuple[str | None, str | None]:
    if not text:
        return None, None
    username, separator, password = text.partition(":")
    if not separator or not password:
        raise ValueError("a Redis URL names a user without a password: write user:password@ or :password@")
    return unquote(username) or None, unquote(password)


def _nodes(mode: Mode, hosts: str) -> tuple[Address, ...]:
    parts = hosts.split(",")
    if mode == "standalone" and len(parts) > 1:
        raise ValueError("several hosts need redis+sentinel:// or redis+cluster://")
    if len(parts) > MAX_NODES:
        raise ValueError(f"a Redis URL names at most {MAX_NODES} hosts")
    return tuple(_address(part, DEFAULT_SENTINEL_PORT if mode == "sentinel" else DEFAULT_PORT) for part in parts)


def _address(text: str, default_port: int) -> Address:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:  # from None: the library's message repeats the text
        raise ValueError("a host or port of the Redis URL is not valid") from None
    if not host or port == 0 or text.endswith(":"):
        raise ValueError("a host or port of the Redis URL is missing")
    return Address(host, default_port if port is None else port)


def _path(mode: Mode, path: str) -> tuple[str, int]:
    service = ""
    if mode == "sentinel":
        service, _, path = path.partition("/")
        service = unquote(service)
        if not service:
            raise ValueError("redis+sentinel:// needs the service's name: redis+sentinel://host:26379/name")
    if not path:
        return service, 0
    if not (path.isascii() and path.isdigit() and int(path[:8]) <= MAX_DATABASE and len(path) <= 8):
        raise ValueError("the path of a Redis URL is the number of a database")
    if mode == "cluster" and int(path):
        raise ValueError("a cluster has only database 0")
    return service, int(path)
