"""A configured provider, ready to be called: adapter, address, zone and deadlines."""

from dataclasses import dataclass, replace

from kaigate.config.models import ProviderSettings, Zone
from kaigate.config.provider_types import ProviderDefaults
from kaigate.providers.provider import Provider
from kaigate.transport.target import Deadlines, Origin, Target
from kaigate.transport.tls import TlsSettings


@dataclass(frozen=True, slots=True)
class BuiltProvider:
    """One upstream; `base_path` precedes every path of the adapter."""

    provider: Provider
    target: Target
    base_path: str
    zone: Zone
    deadlines: Deadlines

    def deadlines_within(self, total_s: float | None) -> Deadlines:
        """The deadlines, with the whole exchange bounded by a model's own timeout, which may also be longer."""
        return self.deadlines if total_s is None else replace(self.deadlines, total_s=total_s)


def build_upstream(settings: ProviderSettings, provider: Provider, defaults: ProviderDefaults) -> BuiltProvider:
    """Put a provider's adapter together with its settings; `defaults` is its row of the registry.

    Raises ValueError for a missing or malformed base URL, which the cross-check has refused before.
    """
    url = settings.base_url or defaults.base_url
    if url is None:
        raise ValueError(f"providers of type {settings.type} need a base_url")
    origin, base_path = Origin.parse(url)
    zone = settings.zone or defaults.zone
    tls = settings.tls
    target = Target(
        origin=origin,
        zone=zone,
        tls=TlsSettings(
            ca_file=tls.ca_file,
            client_cert=tls.client_cert_file,
            client_key=tls.client_key_file,
            server_hostname=tls.server_name,
        ),
        max_connections=settings.max_connections,
    )
    deadlines = Deadlines(
        connect_s=settings.connect_timeout_s,
        first_byte_s=settings.first_byte_timeout_s,
        idle_s=settings.idle_timeout_s,
        total_s=settings.timeout_s,
    )
    return BuiltProvider(provider=provider, target=target, base_path=base_path, zone=zone, deadlines=deadlines)
