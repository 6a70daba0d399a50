"""What `kaigate route egress` prints."""

import os
import sys
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from kaigate.app.assemble import upstreams
from kaigate.app.aws_signing import credential_destinations, possible_signers
from kaigate.app.key_sets import origin_of
from kaigate.cli.offline import offline
from kaigate.cli.problems import refuse
from kaigate.clock import SystemClock
from kaigate.config.loaded import LoadedConfig
from kaigate.config.problems import ConfigError
from kaigate.routing.destinations import Destination, destinations
from kaigate.transport.egress import EgressGuard
from kaigate.transport.errors import EgressRefused
from kaigate.transport.http import HttpClient
from kaigate.transport.proxy import ProxyPolicy


def report_egress(option: Path | None, *, as_json: bool) -> int:
    """The destinations as a table for people or JSON; the exit code."""
    try:
        loaded = offline(option)
        config = loaded.config
        proxy = ProxyPolicy.from_environment(os.environ, allowed_hosts=config.routing.proxy_hosts)
        key_set = origin_of(config.keys.jwt) if config.keys.jwt is not None else None
        found = destinations(upstreams(loaded), proxy, key_set=key_set, credentials=_credentials(loaded))
    except ConfigError as error:
        return refuse(error)
    except (ValueError, EgressRefused) as error:
        print(error, file=sys.stderr)
        return 1
    if as_json:
        print(msgspec.json.encode({"destinations": found}).decode())
    else:
        Console().print(_table(found))
    return 0


def _credentials(loaded: LoadedConfig) -> list[tuple[str, str, int]]:
    """What hands out credentials in this environment; providers that get none here are named on stderr."""
    client = HttpClient(guard=EgressGuard(()))
    found, problems = possible_signers(loaded, os.environ, client, SystemClock())
    for problem in problems:
        print(f"not listed: {problem}", file=sys.stderr)
    return list(credential_destinations(found))


def _table(found: list[Destination]) -> Table:
    table = Table("zone", "host", "port", "purpose", "used by", title="Egress", title_justify="left")
    for item in found:
        table.add_row(item.zone, item.host, str(item.port), item.purpose, ", ".join(item.used_by))
    return table
