"""One configuration, ready to serve: everything that a reload swaps at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kaigate.config.loaded import LoadedConfig
from kaigate.config.models import GatewayConfig
from kaigate.keys.address import ProxyTrust
from kaigate.keys.throttle import FailureThrottle
from kaigate.pipeline.driver import Pipeline
from kaigate.surfaces.surface import Surface
from kaigate.transport.http import HttpClient


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one request is served with, from its first byte to its last, whatever is reloaded meanwhile.

    `upstreams` are the declared hosts and ports: while they stay the same, a reload keeps the client and throttle.
    """

    loaded: LoadedConfig
    config: GatewayConfig
    client: HttpClient
    upstreams: frozenset[tuple[str, int]]
    throttle: FailureThrottle
    throttle_rate: int
    proxies: ProxyTrust
    redact_log: Callable[[str], str]
    surface: Surface
    pipelines: Mapping[str, Pipeline]
