"""Credentials for a token of an identity provider, as Kubernetes gives one to a service account (IRSA).

Sources: AWS STS API reference, `AssumeRoleWithWebIdentity`; EKS user guide, "IAM roles for service accounts". The
regional endpoint is asked; the request needs no signature.
"""

import asyncio
import string
from collections.abc import Hashable, Mapping, Sequence
from typing import Final
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

from kaigate.transport.aws.credentials import AwsCredentials, CredentialsError, Destination, expiry
from kaigate.transport.aws.fetch import fetch, read_token, target_of
from kaigate.transport.http import HttpClient, Origin

VERSION: Final = "2011-06-15"
SESSION_NAME: Final = "kaigate"

_SOURCE: Final = "AWS STS"
_NAMESPACE: Final = "{https://sts.amazonaws.com/doc/2011-06-15/}"
_HEADERS: Final = ((b"content-type", b"application/x-www-form-urlencoded"), (b"accept", b"text/xml"))
_CODE: Final = frozenset(string.ascii_letters + string.digits + ".")


class WebIdentitySource:
    """Trades the token in `token_file`, read anew each time because it is rotated, for credentials of `role_arn`."""

    def __init__(
        self,
        client: HttpClient,
        *,
        role_arn: str,
        token_file: str,
        region: str,
        session_name: str | None = None,
        endpoint: str | None = None,
    ) -> None:
        self._client: Final = client
        self._role_arn: Final = role_arn
        self._token_file: Final = token_file
        self._session_name: Final = session_name or SESSION_NAME
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        self._origin, self._base_path = Origin.parse(endpoint or f"https://sts.{region}.{suffix}")

    @classmethod
    def from_environment(cls, client: HttpClient, env: Mapping[str, str], region: str) -> "WebIdentitySource | None":
        """By `AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN`; None unless both are set.

        `AWS_ENDPOINT_URL_STS` names another endpoint (a VPC endpoint).
        """
        token_file, role_arn = env.get("AWS_WEB_IDENTITY_TOKEN_FILE"), env.get("AWS_ROLE_ARN")
        if not token_file or not role_arn:
            return None
        return cls(
            client,
            role_arn=role_arn,
            token_file=token_file,
            region=region,
            session_name=env.get("AWS_ROLE_SESSION_NAME"),
            endpoint=env.get("AWS_ENDPOINT_URL_STS"),
        )

    @property
    def identity(self) -> Hashable:
        """The endpoint, the role, and whose token is traded for it."""
        return (type(self), self._origin, self._base_path, self._role_arn, self._token_file, self._session_name)

    def destinations(self) -> Sequence[Destination]:
        """The regional endpoint of STS."""
        return ((self._origin.host, self._origin.port),)

    async def fetch(self) -> AwsCredentials:
        """Fresh credentials; raises `CredentialsError`."""
        token = await asyncio.to_thread(read_token, self._token_file)
        form = {
            "Action": "AssumeRoleWithWebIdentity",
            "Version": VERSION,
            "RoleArn": self._role_arn,
            "RoleSessionName": self._session_name,
            "WebIdentityToken": token,
        }
        target = target_of(self._origin, local=False)
        path = self._base_path + "/"
        status, body = await fetch(
            self._client, target, "POST", path, _HEADERS, urlencode(form).encode(), source=_SOURCE
        )
        document = _document(body)
        if status != 200:
            raise CredentialsError(f"{_SOURCE} answered with status {status}{_code(document)}")
        return _credentials(document)


def _document(body: bytes) -> ET.Element | None:
    """The answer's XML; None where it is none. A document type is refused, and with it every entity."""
    if b"<!" in body:
        return None
    try:
        return ET.fromstring(body)  # noqa: S314 -- bounded, and without a document type there are no entities
    except ET.ParseError:
        return None


def _credentials(document: ET.Element | None) -> AwsCredentials:
    path = f"{_NAMESPACE}AssumeRoleWithWebIdentityResult/{_NAMESPACE}Credentials"
    found = None if document is None else document.find(path)
    if found is None:
        raise CredentialsError(f"{_SOURCE} gave an answer that is not understood")
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
    key, secret, token, expiration = ((found.findtext(_NAMESPACE + name) or "").strip() for name in names)
    try:
        expires_at = expiry(expiration)
    except ValueError:
        raise CredentialsError(f"{_SOURCE} gave an answer that is not understood") from None
    return AwsCredentials(key, secret, token, expires_at)


def _code(document: ET.Element | None) -> str:
    """The error's code, where it is made of letters."""
    code = "" if document is None else document.findtext(f"{_NAMESPACE}Error/{_NAMESPACE}Code") or ""
    return f" ({code})" if 0 < len(code) <= 64 and _CODE.issuperset(code) else ""
