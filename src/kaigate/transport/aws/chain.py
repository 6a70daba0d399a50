"""Where the credentials of one provider come from: the first of AWS's places that has any.

Order (AWS SDKs and tools reference guide, "Credential provider chain"): keys of the configuration, the configured
profile, the environment's keys, web identity, the shared profile, the container's agent. The instance metadata
service is not asked: a pod that can reach it gets the node's rights.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kaigate.clock import Clock
from kaigate.transport.aws.container import ContainerSource
from kaigate.transport.aws.credentials import AwsCredentials, CredentialsError, CredentialStore
from kaigate.transport.aws.profile import read_profile
from kaigate.transport.aws.refresh import RefreshingCredentials
from kaigate.transport.aws.static import StaticCredentials, from_environment
from kaigate.transport.aws.web_identity import WebIdentitySource
from kaigate.transport.http import HttpClient


@dataclass(frozen=True, slots=True)
class AwsKeys:
    """What the configuration says about a provider's credentials; the keys are resolved secrets."""

    region: str
    profile: str | None = None
    access_key_id: str | None = field(default=None, repr=False)
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)


def credential_store(keys: AwsKeys, env: Mapping[str, str], client: HttpClient, clock: Clock) -> CredentialStore:
    """The credentials to sign with. Blocking: profile files may be read.

    Raises ValueError where there is no place that gives any, or where one is set up wrongly.
    """
    try:
        store = _first(keys, env, client, clock)
    except CredentialsError as error:
        raise ValueError(error.reason) from None
    if store is None:
        raise ValueError(
            "no AWS credentials were found: set api_key or aws.access_key_id and aws.secret_access_key, name a "
            "profile, or run where AWS gives them (AWS_* variables, IRSA, Pod Identity)"
        )
    return store


def _first(keys: AwsKeys, env: Mapping[str, str], client: HttpClient, clock: Clock) -> CredentialStore | None:
    if keys.access_key_id and keys.secret_access_key:
        return StaticCredentials(AwsCredentials(keys.access_key_id, keys.secret_access_key, keys.session_token))
    store = None if keys.profile else _from_environment(keys, env, client, clock)
    store = store or _from_profile(keys, env, client, clock)
    if store is not None:
        return store
    container = ContainerSource.from_environment(client, env)
    return None if container is None else RefreshingCredentials(container, clock=clock)


def _from_environment(
    keys: AwsKeys, env: Mapping[str, str], client: HttpClient, clock: Clock
) -> CredentialStore | None:
    static = from_environment(env)
    if static is not None:
        return static
    identity = WebIdentitySource.from_environment(client, env, keys.region)
    return None if identity is None else RefreshingCredentials(identity, clock=clock)


def _from_profile(keys: AwsKeys, env: Mapping[str, str], client: HttpClient, clock: Clock) -> CredentialStore | None:
    profile = read_profile(env, keys.profile)
    if profile is None:
        return None
    key, secret = profile.get("aws_access_key_id"), profile.get("aws_secret_access_key")
    if key and secret:
        return StaticCredentials(AwsCredentials(key, secret, profile.get("aws_session_token")))
    role_arn, token_file = profile.get("role_arn"), profile.get("web_identity_token_file")
    if not role_arn or not token_file:
        if keys.profile:
            raise ValueError(f"the AWS profile {keys.profile} has no credentials")
        return None
    source = WebIdentitySource(
        client,
        role_arn=role_arn,
        token_file=token_file,
        region=keys.region,
        session_name=profile.get("role_session_name"),
        endpoint=env.get("AWS_ENDPOINT_URL_STS"),
    )
    return RefreshingCredentials(source, clock=clock)
