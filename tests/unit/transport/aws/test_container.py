"""The agent of a pod or task: who may be asked, what is sent, and what an answer must hold."""

from pathlib import Path

import pytest

from kaigate.transport.aws.container import AGENT_HOSTS, ContainerSource
from kaigate.transport.aws.credentials import CredentialsError
from kaigate.transport.egress import EgressGuard
from kaigate.transport.http import HttpClient
from tests.support.credential_server import credential_server

ANSWER = (
    b'{"AccessKeyId":"AKID","SecretAccessKey":"canary-secret","Token":"canary-token",'
    b'"Expiration":"2027-01-01T00:00:00Z","AccountId":"1"}'
)
CLIENT = HttpClient(guard=EgressGuard([]))


async def test_pod_identity_sends_the_token_of_its_file_each_time(tmp_path: Path) -> None:
    file = tmp_path / "token"
    async with credential_server(lambda: (200, ANSWER)) as (server, client):
        env = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{server.url}/v1/credentials?a=b",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(file),
        }
        source = ContainerSource.from_environment(client, env)
        assert source is not None
        assert source.destinations() == (("127.0.0.1", server.port),)
        for token in ("one", "two"):
            file.write_text(token + "\n")
            found = await source.fetch()
        assert server.requests[0].startswith(b"GET /v1/credentials?a=b HTTP/1.1")
        assert b"authorization: one\r\n" in server.requests[0]
        assert b"authorization: two\r\n" in server.requests[1]
    assert (found.access_key_id, found.secret_access_key, found.session_token) == (
        "AKID",
        "canary-secret",
        "canary-token",
    )
    assert found.expires_at == 1798761600.0


async def test_a_token_in_the_environment_is_sent() -> None:
    async with credential_server(lambda: (200, ANSWER)) as (server, client):
        await ContainerSource(client, server.url, token="t").fetch()
        await ContainerSource(client, server.url).fetch()
        assert b"authorization: t\r\n" in server.requests[0]
        assert b"authorization" not in server.requests[1]


@pytest.mark.parametrize(
    "answer",
    [
        (403, ANSWER),
        (200, b"{}"),
        (200, b"canary-secret"),
        (200, ANSWER.replace(b"2027-01-01T00:00:00Z", b"tomorrow")),
        (200, ANSWER.replace(b"00Z", b"00")),
        (200, b"x" * 70_000),
    ],
)
async def test_an_answer_that_is_not_understood_is_refused_without_repeating_it(answer: tuple[int, bytes]) -> None:
    async with credential_server(lambda: answer) as (server, client):
        with pytest.raises(CredentialsError) as caught:
            await ContainerSource(client, server.url).fetch()
        assert "canary" not in str(caught.value)


async def test_an_agent_that_is_away_and_a_token_that_is_missing_are_failures(tmp_path: Path) -> None:
    async with credential_server(lambda: (200, ANSWER)) as (server, client):
        with pytest.raises(CredentialsError, match="token file"):
            await ContainerSource(client, server.url, token_file=str(tmp_path / "none")).fetch()
        with pytest.raises(CredentialsError, match="line break"):
            await ContainerSource(client, server.url, token="a\r\nb").fetch()
        with pytest.raises(CredentialsError, match="reached"):
            await ContainerSource(client, "http://127.0.0.2:9").fetch()


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.170.2/x",
        "http://169.254.170.23/v1/credentials",
        "http://[fd00:ec2::23]/v1/credentials",
        "http://localhost:1/x",
        "http://127.0.0.8/x",
        "http://[::1]/x",
        "https://credentials.example.com/x",
    ],
)
def test_hosts_that_may_be_asked(url: str) -> None:
    ((host, _),) = ContainerSource(CLIENT, url).destinations()
    assert (host in AGENT_HOSTS) == url.startswith(("http://169", "http://[fd00"))


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "http://10.0.0.1/x",
        "http://example.com/x",
        "http://169.254.170.23.example.com/x",
        "http://user@127.0.0.1/x",
        "ftp://127.0.0.1/x",
    ],
)
def test_hosts_that_may_not_be_asked(url: str) -> None:
    with pytest.raises(ValueError, match=r"http|credentials"):
        ContainerSource(CLIENT, url)


def test_a_task_s_relative_address() -> None:
    source = ContainerSource.from_environment(CLIENT, {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/x"})
    assert source is not None
    assert source.destinations() == (("169.254.170.2", 80),)
    with pytest.raises(ValueError, match="begin with /"):
        ContainerSource.from_environment(CLIENT, {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "@example.com/"})
    assert ContainerSource.from_environment(CLIENT, {}) is None
