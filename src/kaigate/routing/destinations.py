"""Where a configuration may connect to, per zone: what network policies are made of."""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from kaigate.routing.upstream import BuiltProvider
from kaigate.transport.proxy import ProxyPolicy

Purpose = Literal["provider", "proxy", "credentials", "key set"]


class Destination(msgspec.Struct, frozen=True, order=True):
    """A host and port; `used_by` names the providers, or what else connects there.

    Behind a proxy an external provider's host is reached by the proxy, not by the gateway.
    """

    zone: Literal["private", "external"]
    host: str
    port: int
    purpose: Purpose
    used_by: tuple[str, ...] = ()


def destinations(
    providers: Mapping[str, BuiltProvider],
    proxy: ProxyPolicy,
    *,
    key_set: tuple[str, int] | None = None,
    credentials: Iterable[tuple[str, str, int]] = (),
) -> list[Destination]:
    """Every destination, sorted, each once; stores are not among them.

    `key_set` is where the identity provider's keys are fetched from, `credentials` are name of a provider, host and
    port of what hands out its credential. Raises `EgressRefused` where the environment names a proxy that is not
    allowed.
    """
    users: dict[Destination, list[str]] = {}

    def add(zone: Literal["private", "external"], host: str, port: int, purpose: Purpose, user: str) -> None:
        users.setdefault(Destination(zone, host, port, purpose), []).append(user)

    for name, built in providers.items():
        origin, through = built.target.origin, proxy.proxy_for(built.target)
        add(built.zone, origin.host, origin.port, "provider", name)
        if through is not None:
            add("external", through.host, through.port, "proxy", name)
    for name, host, port in credentials:
        # Whoever hands out the credential of a cloud belongs to that cloud.
        add("external", host, port, "credentials", name)
    if key_set is not None:
        add("external", *key_set, "key set", "keys.jwt")
    return sorted(msgspec.structs.replace(item, used_by=tuple(sorted(names))) for item, names in users.items())
