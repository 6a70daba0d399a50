"""A service account's token becomes credentials of a role."""

from pathlib import Path
from urllib.parse import parse_qs

import pytest

from kaigate.transport.aws.credentials import CredentialsError
from kaigate.transport.aws.web_identity import WebIdentitySource
from kaigate.transport.egress import EgressGuard
from kaigate.transport.http import HttpClient
from tests.support.credential_server import credential_server

ROLE = "arn:aws:iam::123456789012:role/kaigate"
ANSWER = b"""<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <Audience>sts.amazonaws.com</Audience>
    <Credentials>
      <SessionToken>canary/token+=</SessionToken><SecretAccessKey>canary-secret</SecretAccessKey>
      <Expiration>2027-01-01T00:00:00Z</Expiration><AccessKeyId>ASIA1</AccessKeyId>
    </Credentials>
  </AssumeRoleWithWebIdentityResult>
  <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>"""
ERROR = b"""<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
<Code>ExpiredTokenException</Code><Message>canary-token expired</Message></Error></ErrorResponse>"""


def source(client: HttpClient, url: str, token: Path) -> WebIdentitySource:
    return WebIdentitySource(client, role_arn=ROLE, token_file=str(token), region="r", endpoint=url)


def write(token: Path, text: str) -> None:
    token.write_text(text)


@pytest.fixture
def token(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text("a.b+c=\n")
    return file


async def test_the_token_is_traded_for_credentials(token: Path) -> None:
    async with credential_server(lambda: (200, ANSWER)) as (server, client):
        found = await source(client, server.url, token).fetch()
        write(token, "rotated")
        await source(client, server.url, token).fetch()
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST / HTTP/1.1")
    assert parse_qs(body.decode()) == {
        "Action": ["AssumeRoleWithWebIdentity"],
        "Version": ["2011-06-15"],
        "RoleArn": [ROLE],
        "RoleSessionName": ["kaigate"],
        "WebIdentityToken": ["a.b+c="],
    }
    assert server.requests[1].endswith(b"WebIdentityToken=rotated")
    assert (found.access_key_id, found.secret_access_key, found.session_token, found.expires_at) == (
        "ASIA1",
        "canary-secret",
        "canary/token+=",
        1798761600.0,
    )


async def test_a_refusal_names_its_code_alone(token: Path) -> None:
    async with credential_server(lambda: (400, ERROR)) as (server, client):
        with pytest.raises(CredentialsError) as caught:
            await source(client, server.url, token).fetch()
    assert "status 400 (ExpiredTokenException)" in str(caught.value)
    assert "canary" not in str(caught.value)


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + ANSWER.replace(b"ASIA1", b"&b;")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no xml",
        b"<a/>",
        BOMB,
        ANSWER.replace(b"sts.amazonaws.com/doc", b"example.com/doc"),
        ANSWER.replace(b"<AccessKeyId>ASIA1</AccessKeyId>", b""),
        ANSWER.replace(b"2027-01-01T00:00:00Z", b"soon"),
        ANSWER.replace(b"canary-secret", b"canary secret"),
    ],
)
async def test_an_answer_that_is_not_understood_is_refused_without_repeating_it(body: bytes, token: Path) -> None:
    async with credential_server(lambda: (200, body)) as (server, client):
        with pytest.raises(CredentialsError) as caught:
            await source(client, server.url, token).fetch()
    assert "canary" not in str(caught.value)


async def test_an_empty_token_is_not_sent(token: Path) -> None:
    write(token, "\n")
    async with credential_server(lambda: (200, ANSWER)) as (server, client):
        with pytest.raises(CredentialsError, match="empty"):
            await source(client, server.url, token).fetch()
    assert not server.requests


@pytest.mark.parametrize(
    ("region", "host"),
    [("eu-central-1", "sts.eu-central-1.amazonaws.com"), ("cn-north-1", "sts.cn-north-1.amazonaws.com.cn")],
)
def test_the_regional_endpoint_is_asked(region: str, host: str) -> None:
    client = HttpClient(guard=EgressGuard([]))
    env = {"AWS_WEB_IDENTITY_TOKEN_FILE": "/t", "AWS_ROLE_ARN": ROLE, "AWS_ROLE_SESSION_NAME": "me"}
    found = WebIdentitySource.from_environment(client, env, region)
    assert found is not None
    assert found.destinations() == ((host, 443),)
    assert WebIdentitySource.from_environment(client, {"AWS_ROLE_ARN": ROLE}, region) is None
