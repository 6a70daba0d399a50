"""Credentials of a container: EKS Pod Identity and ECS tasks.

Sources: AWS SDKs and tools reference guide, "Container credential provider"; EKS user guide, "Pod Identity". Plain
http is accepted for this machine and the agents' own addresses only, https for any host, as AWS's own SDKs do.
"""

import asyncio
from collections.abc import Hashable, Mapping, Sequence
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import msgspec

from kaigate.transport.aws.credentials import AwsCredentials, CredentialsError, Destination, expiry
from kaigate.transport.aws.fetch import fetch, read_token, target_of
from kaigate.transport.http import HttpClient, Origin

TASK_HOST: Final = "169.254.170.2"
AGENT_HOSTS: Final = frozenset({TASK_HOST, "169.254.170.23", "fd00:ec2::23"})
"""Link-local addresses that the egress guard has to be told of."""

_SOURCE: Final = "the container credentials endpoint"


class _Answer(msgspec.Struct, rename="pascal"):
    access_key_id: str
    secret_access_key: str
    token: str
    expiration: str


_ANSWER: Final = msgspec.json.Decoder(_Answer)


class ContainerSource:
    """Asks the agent at `url`; the token that proves who asks is read anew each time, because it is rotated.

    Raises ValueError for an address that may not be asked.
    """

    def __init__(
        self, client: HttpClient, url: str, *, token: str | None = None, token_file: str | None = None
    ) -> None:
        parts = urlsplit(url)
        query = f"?{parts.query}" if parts.query else ""
        self._origin, path = Origin.parse(parts._replace(query="", fragment="").geturl())
        _check(self._origin)
        self._path: Final = (path or "/") + query
        self._client: Final = client
        self._token: Final = token
        self._token_file: Final = token_file

    @classmethod
    def from_environment(cls, client: HttpClient, env: Mapping[str, str]) -> "ContainerSource | None":
        """By `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or `..._FULL_URI`; None where neither is set."""
        relative, full = (env.get(f"AWS_CONTAINER_CREDENTIALS_{name}_URI") for name in ("RELATIVE", "FULL"))
        if relative and not relative.startswith("/"):
            raise ValueError("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI must begin with /")
        url = f"http://{TASK_HOST}{relative}" if relative else full
        if not url:
            return None
        return cls(
            client,
            url,
            token=env.get("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
            token_file=env.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
        )

    @property
    def identity(self) -> Hashable:
        """The agent, and what proves who asks."""
        return (type(self), self._origin, self._path, self._token, self._token_file)

    def destinations(self) -> Sequence[Destination]:
        """The agent."""
        return ((self._origin.host, self._origin.port),)

    async def fetch(self) -> AwsCredentials:
        """Fresh credentials; raises `CredentialsError`."""
        headers = [(b"accept", b"application/json")]
        token = await self._authorization()
        if token:
            headers.append((b"authorization", token))
        target = target_of(self._origin, local=self._origin.scheme == "http")
        status, body = await fetch(self._client, target, "GET", self._path, headers, source=_SOURCE)
        if status != 200:
            raise CredentialsError(f"{_SOURCE} answered with status {status}")
        try:
            answer = _ANSWER.decode(body)
            expires_at = expiry(answer.expiration)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
            raise CredentialsError(f"{_SOURCE} gave an answer that is not understood") from None
        return AwsCredentials(answer.access_key_id, answer.secret_access_key, answer.token, expires_at)

    async def _authorization(self) -> bytes:
        if self._token_file:
            token = await asyncio.to_thread(read_token, self._token_file)
        else:
            token = (self._token or "").strip().encode()
        if b"\r" in token or b"\n" in token:
            raise CredentialsError("the container authorization token has a line break")
        return token


def _check(origin: Origin) -> None:
    if origin.scheme == "https" or origin.host in AGENT_HOSTS or origin.host == "localhost":
        return
    try:
        local = ip_address(origin.host).is_loopback
    except ValueError:
        local = False
    if not local:
        raise ValueError("AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or http on this machine or an agent of AWS")
