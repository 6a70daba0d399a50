"""One configuration, ready to serve: everything that a reload swaps at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kaigate.app.aws_signing import Signers
from kaigate.app.digests import DigestChecks
from kaigate.app.health_checks import HealthChecks
from kaigate.app.refusal_log import RefusalLog
from kaigate.config.loaded import LoadedConfig
from kaigate.config.models import GatewayConfig
from kaigate.keys.address import ProxyTrust
from kaigate.keys.jwt import JwtVerifier
from kaigate.keys.keyring import Keyring
from kaigate.keys.throttle import FailureThrottle
from kaigate.pipeline.driver import Pipeline
from kaigate.surfaces.surface import Surface
from kaigate.transport.egress import EgressGuard
from kaigate.transport.proxy import ProxyPolicy


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one request is served with, from its first byte to its last, whatever is reloaded meanwhile.

    `egress` admits the declared upstreams, `proxies` names who may forward clients' addresses to us. `surfaces` are the
    client formats by name.
    """

    loaded: LoadedConfig
    config: GatewayConfig
    egress: EgressGuard
    outgoing_proxy: ProxyPolicy
    keyring: Keyring
    tokens: JwtVerifier | None
    throttle: FailureThrottle
    throttle_rate: int
    proxies: ProxyTrust | None
    refusals: RefusalLog
    redact_log: Callable[[str], str]
    surfaces: Mapping[str, Surface]
    pipelines: Mapping[str, Pipeline]
    signers: Signers
    health_checks: HealthChecks
    digest_checks: DigestChecks
