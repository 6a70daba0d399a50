"""One configuration, ready to serve: everything that a reload swaps at once."""

from collections.abc import Mapping
from dataclasses import dataclass

from kaigate.config.loaded import LoadedConfig
from kaigate.config.models import GatewayConfig
from kaigate.keys.address import ClientAddresses
from kaigate.keys.keyring import Keyring
from kaigate.pipeline.driver import Pipeline
from kaigate.routing.catalogue import Catalogue
from kaigate.transport.http import HttpClient


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one request is served with, from its first byte to its last, whatever is reloaded meanwhile."""

    loaded: LoadedConfig
    config: GatewayConfig
    keyring: Keyring
    catalogue: Catalogue
    client: HttpClient
    addresses: ClientAddresses
    pipelines: Mapping[str, Pipeline]
