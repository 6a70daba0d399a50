"""The signers of a configuration's Bedrock providers, and where their credentials are fetched from."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from kaigate.clock import Clock
from kaigate.config.aws_region import BEDROCK
from kaigate.config.loaded import LoadedConfig
from kaigate.config.models import ProviderSettings
from kaigate.config.problems import ConfigError, Problem
from kaigate.providers.bedrock_signer import BedrockSigner
from kaigate.transport.aws.chain import AwsKeys, credential_store
from kaigate.transport.aws.container import AGENT_HOSTS
from kaigate.transport.aws.credentials import CredentialStore
from kaigate.transport.aws.refresh import RefreshingCredentials
from kaigate.transport.http import HttpClient

Signers = Mapping[str, BedrockSigner]
NO_SIGNERS: Final[Signers] = {}


def signers(
    loaded: LoadedConfig,
    env: Mapping[str, str],
    client: HttpClient,
    clock: Clock,
    *,
    previous: Signers = NO_SIGNERS,
) -> Signers:
    """By provider name, one for each Bedrock provider without an API key. Blocking: profile files may be read.

    Credentials that `previous` fetched in the same way are kept, so that a reload needs no new ones. Raises
    `ConfigError` with every provider that nothing gives credentials to.
    """
    found, problems = possible_signers(loaded, env, client, clock, previous=previous)
    if problems:
        raise ConfigError(problems)
    return found


def possible_signers(
    loaded: LoadedConfig,
    env: Mapping[str, str],
    client: HttpClient,
    clock: Clock,
    *,
    previous: Signers = NO_SIGNERS,
) -> tuple[Signers, list[Problem]]:
    """The same, with the problems of those that can't be."""
    found: dict[str, BedrockSigner] = {}
    problems: list[Problem] = []
    for name, region, keys in _signed(loaded):
        try:
            store = credential_store(keys, env, client, clock)
        except ValueError as error:
            problems.append(loaded.document.problem(("providers", name), str(error), key=True))
            continue
        before = previous.get(name)
        found[name] = BedrockSigner(_kept(store, before), region=region, clock=clock)
    return found, problems


def credential_destinations(found: Signers) -> Iterator[tuple[str, str, int]]:
    """Provider, host and port of what hands out credentials."""
    for name, signer in found.items():
        for host, port in signer.credentials.destinations():
            yield name, host, port


def asks_agent(destinations: Iterable[tuple[str, str, int]]) -> bool:
    """Whether an agent of AWS at a link-local address is among them, which the egress guard has to be told."""
    return any(host in AGENT_HOSTS for _, host, _ in destinations)


def _signed(loaded: LoadedConfig) -> Iterator[tuple[str, str, AwsKeys]]:
    """Name, region and keys of each provider whose calls are signed."""
    for name, settings in loaded.config.providers.items():
        region = settings.aws.region
        # Without a region there is an API key, as the cross-check demands.
        if settings.type == BEDROCK and settings.api_key is None and region is not None:
            yield name, region, _keys(loaded, settings, region)


def _keys(loaded: LoadedConfig, settings: ProviderSettings, region: str) -> AwsKeys:
    aws = settings.aws
    return AwsKeys(
        region=region,
        profile=aws.profile,
        access_key_id=loaded.secret(aws.access_key_id),
        secret_access_key=loaded.secret(aws.secret_access_key),
        session_token=loaded.secret(aws.session_token),
    )


def _kept(store: CredentialStore, before: BedrockSigner | None) -> CredentialStore:
    if before is None or not isinstance(store, RefreshingCredentials):
        return store
    known = before.credentials
    return known if isinstance(known, RefreshingCredentials) and known.identity == store.identity else store
