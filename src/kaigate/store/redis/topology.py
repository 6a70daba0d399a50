"""Which node to talk to: the one of the URL, the master that Sentinel names, or the owner of our slot in a cluster."""

import binascii
from typing import Any, Final, Protocol

from kaigate.store.errors import StoreError, StoreUnavailable
from kaigate.store.redis.dial import Dialer
from kaigate.store.redis.url import MAX_NODES, Address, RedisUrl

SLOTS: Final = 16_384
MIN_PATIENCE_S: Final = 0.1
# A node that does not answer, that knows nothing, or whose answer has another shape.
NOT_HELPFUL: Final = (StoreError, ValueError, TypeError, IndexError)


class Topology(Protocol):
    """Finds the node that serves our keys."""

    async def locate(self) -> Address:
        """The node to connect to now; raises StoreError."""
        ...


class Standalone:
    """One server, or whatever a name resolves to."""

    def __init__(self, address: Address) -> None:
        self._address = address

    async def locate(self) -> Address:
        return self._address


class Sentinel:
    """The master of a service. Asks one sentinel after another, the last helpful one first.

    See https://valkey.io/topics/sentinel-clients/.
    """

    def __init__(self, nodes: tuple[Address, ...], service: str, dialer: Dialer, patience_s: float) -> None:
        self._nodes = list(nodes)
        self._service = service
        self._dialer = dialer
        self._patience_s = max(patience_s / len(nodes), MIN_PATIENCE_S)

    async def locate(self) -> Address:
        """The master's address; raises StoreUnavailable when no sentinel knows it."""
        for node in tuple(self._nodes):
            try:
                reply = await self._dialer.ask(
                    node, self._patience_s, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._service
                )
                master = _address(reply[0], reply[1])
            except NOT_HELPFUL:
                continue
            self._nodes.remove(node)
            self._nodes.insert(0, node)
            return master
        raise StoreUnavailable("no sentinel knows the master")


class Cluster:
    """The owner of one slot. Asks the nodes it last heard of, then those of the URL.

    See https://valkey.io/commands/cluster-slots/, which Redis 6.2 knows too.
    """

    def __init__(self, seeds: tuple[Address, ...], slot: int, dialer: Dialer, patience_s: float) -> None:
        self._seeds = seeds
        self._known: tuple[Address, ...] = ()
        self._slot = slot
        self._dialer = dialer
        self._patience_s = patience_s

    async def locate(self) -> Address:
        """The owner's address; raises StoreUnavailable when no node knows it."""
        nodes = tuple(dict.fromkeys((*self._known, *self._seeds)))[:MAX_NODES]
        patience_s = max(self._patience_s / len(nodes), MIN_PATIENCE_S)
        for node in nodes:
            try:
                reply = await self._dialer.ask(node, patience_s, "CLUSTER", "SLOTS")
                owner, others = owner_of(self._slot, reply, node.host)
            except NOT_HELPFUL:
                continue
            if owner is not None:
                # Whoever answered is asked first again; the owner may be the one that just failed.
                self._known = tuple(dict.fromkeys((node, owner, *others)))[:MAX_NODES]
                return owner
        raise StoreUnavailable("no node of the cluster knows the owner of our keys")


def topology_of(url: RedisUrl, hash_tag: str, dialer: Dialer, patience_s: float) -> Topology:
    """How `url` finds its node; `patience_s` bounds one search, roughly."""
    match url.mode:
        case "standalone":
            return Standalone(url.nodes[0])
        case "sentinel":
            return Sentinel(url.nodes, url.service, dialer, patience_s)
        case "cluster":
            return Cluster(url.nodes, slot_of(hash_tag), dialer, patience_s)


def slot_of(hash_tag: str) -> int:
    """Slot of every key that contains `{hash_tag}`: CRC-16/XMODEM, as in the cluster specification."""
    return binascii.crc_hqx(hash_tag.encode(), 0) % SLOTS


def owner_of(slot: int, reply: Any, asked_host: str) -> tuple[Address | None, tuple[Address, ...]]:
    """The master of `slot` by an answer to CLUSTER SLOTS, and all masters. An unnamed host is the one asked.

    Raises one of NOT_HELPFUL for another answer.
    """
    owner: Address | None = None
    masters: list[Address] = []
    for first, last, (host, port, *_), *_replicas in reply:
        address = _address(host, port, asked_host)
        masters.append(address)
        if first <= slot <= last:
            owner = address
    return owner, tuple(masters)


def _address(host: Any, port: Any, unnamed: str = "") -> Address:
    """What a node says about another one; a host that it can't name is `unnamed`."""
    name = host.decode(errors="replace") if isinstance(host, bytes) else ""
    if name in {"", "?"}:
        name = unnamed
    if not name:
        raise ValueError("a node without a name")
    return Address(name, int(port))
