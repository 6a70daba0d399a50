"""Cross-checks: what each part of a valid configuration says about the others.

A name that points nowhere would be accepted and do nothing, so it is refused.
"""

import ipaddress
from dataclasses import replace

from kaigate.config.check_aws import check_aws
from kaigate.config.check_digests import check_digests
from kaigate.config.check_guardrails import check_guardrails
from kaigate.config.check_keys import check_keys
from kaigate.config.check_limits import check_limits
from kaigate.config.check_models import check_models
from kaigate.config.check_providers import check_providers
from kaigate.config.check_routing import check_routing
from kaigate.config.check_store import check_store
from kaigate.config.findings import Findings
from kaigate.config.loaded import LoadedConfig
from kaigate.config.models import GatewayConfig
from kaigate.config.problems import ConfigError
from kaigate.config.provider_types import ProviderTypes


def check(loaded: LoadedConfig, types: ProviderTypes, *, read_files: bool = True) -> LoadedConfig:
    """The same configuration with warnings added; raises `ConfigError` with every problem.

    `types` is the provider registry. With `read_files` the TLS files that it names are looked at. Blocking.
    """
    findings = Findings(loaded.document)
    check_server(loaded.config, findings)
    check_providers(loaded.config, types, findings, read_files=read_files)
    check_aws(loaded.config, findings)
    check_models(loaded.config, types, findings)
    check_routing(loaded.config, findings)
    check_digests(loaded.config, findings)
    check_keys(loaded, findings)
    check_limits(loaded.config, findings)
    check_store(loaded, findings)
    check_guardrails(loaded.config, findings)
    if findings.errors:
        raise ConfigError(findings.errors)
    return replace(loaded, warnings=(*loaded.warnings, *map(str, sorted(findings.warnings))))


def check_server(config: GatewayConfig, findings: Findings) -> None:
    """Ports and proxies."""
    server = config.server
    taken: dict[int, str] = {}
    for name in ("port", "admin_port", "ops_port"):
        port = getattr(server, name)
        if port and port in taken:
            findings.error(("server", name), f"port {port} is already server.{taken[port]}")
        taken.setdefault(port, name)
    for index, network in enumerate(server.trusted_proxies):
        _check_network(network, index, findings)


def _check_network(network: str, index: int, findings: Findings) -> None:
    path = ("server", "trusted_proxies", index)
    try:
        parsed = ipaddress.ip_network(network)
    except ValueError:
        findings.error(path, "must be an IP address or a network without host bits, like 10.0.0.0/8")
        return
    if parsed.prefixlen == 0:
        findings.warn(path, "trusts every address: clients can then forge X-Forwarded-For")
