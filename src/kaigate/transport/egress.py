"""The egress guard: only declared upstreams, resolved and checked before the connection is made."""

import asyncio
import socket
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import ip_address
from typing import Literal

from kaigate.transport.addresses import refusal
from kaigate.transport.errors import ConnectFailed, EgressRefused
from kaigate.transport.target import Origin, Target

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

CACHE_ENTRIES = 256
MAX_ADDRESSES = 8


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """Addresses of `host` from the system, in its order of preference; raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class EgressGuard:
    """Admits declared `(host, port)` pairs alone, and hands out only addresses that passed the check.

    Connections are made to the checked address, never to the name, so that a second resolution cannot rebind it.
    A declared host may be private or loopback, never link-local or a metadata address; `pod_identity` admits AWS's
    credential agents, declared by address. Answers are kept for `ttl_s` seconds, then resolved anew.
    """

    def __init__(
        self,
        declared: Iterable[tuple[str, int]],
        *,
        pod_identity: bool = False,
        resolver: Resolver = system_resolver,
        resolve_timeout_s: float = 5.0,
        ttl_s: float = 30.0,
    ) -> None:
        self._declared = frozenset((host.lower().rstrip("."), port) for host, port in declared)
        self._pod_identity = pod_identity
        self._resolver = resolver
        self._resolve_timeout_s = resolve_timeout_s
        self._ttl_s = ttl_s
        self._lookups: dict[tuple[str, int], asyncio.Lock] = {}  # one look-up per declared name at a time
        self._cache: OrderedDict[tuple[str, int], tuple[float, tuple[str, ...]]] = OrderedDict()

    def admit(self, target: Target, required_zone: Literal["private"] | None = None) -> None:
        """Raise EgressRefused unless `target` is declared and allowed for an exchange of `required_zone`."""
        if required_zone is not None and target.zone != required_zone:
            raise EgressRefused("this exchange may only reach private upstreams")
        self.admit_origin(target.origin)

    def admit_origin(self, origin: Origin) -> None:
        """Raise EgressRefused unless the origin's host and port are declared."""
        if (origin.host, origin.port) not in self._declared:
            raise EgressRefused(f"{origin.authority} is not a declared upstream")

    async def addresses(self, origin: Origin) -> tuple[str, ...]:
        """Checked addresses of a declared origin, in order of preference.

        Raises EgressRefused when any address is forbidden (one bad answer spoils the name), ConnectFailed when the
        name does not resolve.
        """
        self.admit_origin(origin)
        key = (origin.host, origin.port)
        known = self._cached(key)
        if known is not None:
            return known
        async with self._lookups.setdefault(key, asyncio.Lock()):
            known = self._cached(key)
            if known is not None:
                return known
            found = await self.resolve(origin.host, origin.port)
            self._cache[key] = (asyncio.get_running_loop().time() + self._ttl_s, found)
            self._cache.move_to_end(key)
            if len(self._cache) > CACHE_ENTRIES:
                self._cache.popitem(last=False)
            return found

    def _cached(self, key: tuple[str, int]) -> tuple[str, ...] | None:
        entry = self._cache.get(key)
        if entry is None or entry[0] <= asyncio.get_running_loop().time():
            return None
        return entry[1]

    async def resolve(self, host: str, port: int) -> tuple[str, ...]:
        """Resolve and check a host that the operator named, uncached; for proxies, which are declared elsewhere."""
        literal = is_literal(host)
        found = [host] if literal else await self._look_up(host, port)
        for address in found:
            # An agent is declared by its address: a name that resolves to one is an attack.
            agent = self._pod_identity and literal
            reason = refusal(address, declared=True, pod_identity=agent)
            if reason is not None:
                raise EgressRefused(f"{host} is {reason}")
        return tuple(found[:MAX_ADDRESSES])

    async def _look_up(self, host: str, port: int) -> Sequence[str]:
        try:
            async with asyncio.timeout(self._resolve_timeout_s):
                found = await self._resolver(host, port)
        except TimeoutError as error:
            raise ConnectFailed(f"{host} did not resolve within {self._resolve_timeout_s:g} s") from error
        except (OSError, UnicodeError) as error:
            raise ConnectFailed(f"{host} does not resolve") from error
        if not found:
            raise ConnectFailed(f"{host} has no address")
        return found


def is_literal(host: str) -> bool:
    """Whether `host` is an IP address rather than a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
