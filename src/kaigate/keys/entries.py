"""The bounded table of known virtual keys, by the keyed hash of the whole key, and of hashes known to be nobody's."""

from collections import OrderedDict
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Final

import msgspec

from kaigate.keys.address import Address, Network, parse_address
from kaigate.keys.policy import KeyPolicy, overlaid
from kaigate.keys.record import NEVER, KeyRecord, TeamRecord
from kaigate.keys.repository import Known
from kaigate.pipeline.principal import Principal

NEGATIVE_S: Final = 10.0


class Entry:
    """A key as requests need it. `until` is the Unix time at which it ends, however long it stays in the table."""

    __slots__ = ("networks", "principal", "record", "until")

    def __init__(self, record: KeyRecord, until: float, networks: tuple[Network, ...] | None) -> None:
        self.record = record
        self.until = until
        self.networks = networks
        # None while the key's team is blocked.
        self.principal: Principal | None = None

    def admits(self, address: str) -> bool:
        """Whether a client at `address` may use a key that is bound to networks."""
        client = parse_address(address)
        return client is not None and any(_within(client, network) for network in self.networks or ())


class Entries:
    """At most `capacity` keys, and as many hashes of nobody; the least recently used ones give way.

    The two don't share their room, so that no stream of invented keys drives out a real one.
    """

    __slots__ = ("_absent", "_by_key", "_capacity", "_policy", "_teams", "known")

    def __init__(self, policy: KeyPolicy, capacity: int) -> None:
        self._policy = policy
        self._capacity = capacity
        self._teams: dict[str, TeamRecord] = {}
        self.known: OrderedDict[bytes, Entry] = OrderedDict()
        self._by_key: dict[str, set[bytes]] = {}
        self._absent: OrderedDict[bytes, float] = OrderedDict()

    def is_absent(self, digest: bytes, now: float) -> bool:
        """Whether a hash was found to be nobody's a short while ago."""
        until = self._absent.get(digest)
        return until is not None and until > now

    def put(self, found: Known) -> Entry | None:
        """Take what the database says about one hash; None where it admits nobody (any more)."""
        digest, record = found.hash, found.record
        if digest is None:
            return None
        if record is None or record.revoked_at is not None:
            self.put_absent(digest, NEVER)
            return None
        ends = [at / 1000 for at in (record.rights.expires_at, found.hash_expires_at) if at is not None]
        networks = record.rights.networks
        entry = Entry(record, min(ends, default=NEVER), None if networks is None else tuple(map(ip_network, networks)))
        self._compose(entry)
        self._absent.pop(digest, None)
        self.known[digest] = entry
        self.known.move_to_end(digest)
        self._by_key.setdefault(record.key_id, set()).add(digest)
        if len(self.known) > self._capacity:
            self._forget(next(iter(self.known)))
        return entry

    def put_absent(self, digest: bytes, until: float) -> None:
        """Remember that a hash is nobody's, until a Unix time; it stops being anybody's at once."""
        self._forget(digest)
        self._absent[digest] = until
        self._absent.move_to_end(digest)
        if len(self._absent) > self._capacity:
            self._absent.popitem(last=False)

    def forget_key(self, key_id: str) -> None:
        """Drop every hash of a key: what it is now is about to be put."""
        for digest in tuple(self._by_key.get(key_id, ())):
            self._forget(digest)

    def put_team(self, team: TeamRecord) -> None:
        """Take a team's limits, or that it is blocked, for all of its keys at once."""
        self._teams[team.name] = team
        for entry in self.known.values():
            if entry.record.rights.team == team.name:
                self._compose(entry)

    def in_team(self, caller: Principal) -> Principal | None:
        """A caller without a key here, with the limits of its team as the database has them; None for a blocked one."""
        team = self._teams.get(caller.team) if caller.team else None
        if team is None:
            return caller
        if team.blocked_at is not None:
            return None
        return msgspec.structs.replace(caller, team_limits=overlaid(team.limits, self._policy.team(team.name)))

    def use_policy(self, policy: KeyPolicy) -> None:
        """Take the presets and teams of a new configuration."""
        self._policy = policy
        for entry in self.known.values():
            self._compose(entry)

    def _compose(self, entry: Entry) -> None:
        team = self._teams.get(entry.record.rights.team)
        blocked = team is not None and team.blocked_at is not None
        entry.principal = None if blocked else principal_of(entry.record, self._teams, self._policy)

    def _forget(self, digest: bytes) -> None:
        entry = self.known.pop(digest, None)
        if entry is None:
            return
        hashes = self._by_key[entry.record.key_id]
        hashes.discard(digest)
        if not hashes:
            del self._by_key[entry.record.key_id]


def principal_of(record: KeyRecord, teams: Mapping[str, TeamRecord], policy: KeyPolicy) -> Principal:
    """The caller behind a key; limits of its team come from the database, and what that leaves open from the file."""
    rights = record.rights
    team = teams.get(rights.team)
    configured = policy.team(rights.team)
    return Principal(
        key_id=record.key_id,
        name=record.name,
        team=rights.team,
        models=rights.models,
        private_only=rights.private_only,
        role=rights.role,
        providers=rights.providers,
        tools=rights.tools,
        guardrail_profile=rights.guardrail_profile,
        networks=rights.networks,
        expires_at=None if rights.expires_at is None else rights.expires_at / 1000,
        end_users=rights.end_users,
        limits=policy.explicit(rights),
        team_limits=configured if team is None else overlaid(team.limits, configured),
    )


def _within(address: Address, network: Network) -> bool:
    return address.version == network.version and address in network
