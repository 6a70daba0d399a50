"""What the configuration needs to know of the provider registry, which stands above it."""

from collections.abc import Mapping
from typing import Protocol

from kaigate.config.models import Zone


class ProviderDefaults(Protocol):
    """One provider type's defaults."""

    @property
    def base_url(self) -> str | None:
        """The vendor's address, None where each installation has its own."""
        ...

    @property
    def zone(self) -> Zone:
        """Where prompts go by default."""
        ...


ProviderTypes = Mapping[str, ProviderDefaults]
