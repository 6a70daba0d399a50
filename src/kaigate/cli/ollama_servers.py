"""What the Ollama servers of a configuration have, asked as the gateway asks."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from kaigate.app.assemble import upstreams
from kaigate.app.digests import DigestChecks, listed
from kaigate.cli.read import find
from kaigate.config.check import check
from kaigate.config.check_digests import OLLAMA
from kaigate.config.loaded import LoadedConfig, references
from kaigate.config.secrets import Secret, SecretError, resolve
from kaigate.errors import UpstreamFailedError
from kaigate.providers.registry import ROWS
from kaigate.routing.digests import DigestBook
from kaigate.routing.upstream import BuiltProvider
from kaigate.transport.egress import EgressGuard
from kaigate.transport.errors import TransportError
from kaigate.transport.http import HttpClient
from kaigate.transport.proxy import ProxyPolicy

TIMEOUT_S: Final = 5.0


class Listing(NamedTuple):
    """Digests by full model name; `error` says why there are none."""

    digests: Mapping[str, str]
    error: str | None = None


def read(option: Path | None) -> tuple[LoadedConfig, Path | None]:
    """A cross-checked configuration and its file; only the secrets of Ollama providers are read.

    Every other secret, and one that cannot be read, is a placeholder. Raises `ConfigError`.
    """
    found = find(option, resolve_secrets=False)
    loaded = check(found.loaded, ROWS, read_files=False)
    secrets = {reference: Secret("unresolved") for _, reference in references(loaded.config)}
    for settings in loaded.config.providers.values():
        if settings.type == OLLAMA and settings.api_key is not None:
            try:
                secrets[settings.api_key] = Secret(resolve(settings.api_key, os.environ).reveal())
            except SecretError:
                continue
    return replace(loaded, secrets=secrets), found.path


def ask(loaded: LoadedConfig) -> dict[str, Listing]:
    """What each Ollama provider has, by its name; every server is asked at once. Blocking.

    Raises ValueError for an unusable HTTPS_PROXY.
    """
    config = loaded.config
    built = {name: item for name, item in upstreams(loaded).items() if config.providers[name].type == OLLAMA}
    proxy = ProxyPolicy.from_environment(os.environ, allowed_hosts=config.routing.proxy_hosts)
    return asyncio.run(_ask(built, proxy))


def ask_pinned(loaded: LoadedConfig, checks: DigestChecks) -> DigestBook:
    """What the servers of pinned models report, as the gateway would know it after a check. Blocking."""
    book = DigestBook()
    if checks.servers:
        proxy = ProxyPolicy.from_environment(os.environ, allowed_hosts=loaded.config.routing.proxy_hosts)
        for place, listing in asyncio.run(_ask(checks.servers, proxy)).items():
            if listing.error is None:
                book.take(place, listing.digests, checks.models[place])
    return book


async def _ask(built: Mapping[str, BuiltProvider], proxy: ProxyPolicy) -> dict[str, Listing]:
    origins = [(item.target.origin.host, item.target.origin.port) for item in built.values()]
    client = HttpClient(guard=EgressGuard(origins), proxy=proxy)

    async def one(item: BuiltProvider) -> Listing:
        try:
            return Listing(await listed(client, item, TIMEOUT_S))
        except TransportError as error:
            return Listing({}, f"{item.target.origin.url} could not be asked: {error}")
        except UpstreamFailedError as error:
            return Listing({}, f"{item.target.origin.url}: {error.message}")

    try:
        answers = await asyncio.gather(*map(one, built.values()))
    finally:
        await client.aclose()
    return dict(zip(built, answers, strict=True))
