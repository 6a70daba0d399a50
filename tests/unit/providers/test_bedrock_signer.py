"""Calls are signed, at once while there are credentials."""

import inspect
from collections.abc import Awaitable

import pytest

from kaigate.providers.bedrock_signer import BedrockSigner
from kaigate.providers.provider import UpstreamCall
from kaigate.transport.aws.credentials import AwsCredentials, CredentialsError, Destination
from kaigate.transport.aws.static import StaticCredentials
from tests.support.clocks import ManualClock

CALL = UpstreamCall(
    "/x", ((b"content-type", b"application/json"), (b"accept", b"a/b"), (b"x-own", "ü".encode())), b"{}"
)
HOST = "bedrock-runtime.r.amazonaws.com"
CREDENTIALS = AwsCredentials("AKID", "canary-secret", "token")


class Later:
    """Credentials that have to be fetched."""

    def __init__(self, found: AwsCredentials | None) -> None:
        self.found = found

    def destinations(self) -> tuple[Destination, ...]:
        return (("sts", 443),)

    def current(self) -> Awaitable[AwsCredentials]:
        return self._fetch()

    async def _fetch(self) -> AwsCredentials:
        if self.found is None:
            raise CredentialsError("none")
        return self.found


def test_the_call_s_headers_stay_and_the_signature_s_follow() -> None:
    signer = BedrockSigner(StaticCredentials(CREDENTIALS), region="eu-west-1", clock=ManualClock())
    headers = signer.sign(CALL, host=HOST, path="/base/model/a%3Ab/converse?x=1")
    assert not inspect.isawaitable(headers)
    assert tuple(headers[:3]) == CALL.headers
    signed = dict(headers[3:])
    assert set(signed) == {b"x-amz-date", b"x-amz-security-token", b"authorization"}
    assert b"/eu-west-1/bedrock/aws4_request" in signed[b"authorization"]
    assert b"SignedHeaders=content-type;host;x-amz-date;x-amz-security-token," in signed[b"authorization"]
    assert b"canary" not in b"".join(value for _, value in headers)


def test_host_path_query_and_body_are_signed() -> None:
    signer = BedrockSigner(StaticCredentials(CREDENTIALS), region="r", clock=ManualClock())
    other = UpstreamCall(CALL.path, CALL.headers, b"[]")
    variants = [
        signer.sign(CALL, host=HOST, path="/x"),
        signer.sign(CALL, host="vpce.example", path="/x"),
        signer.sign(CALL, host=HOST, path="/y"),
        signer.sign(CALL, host=HOST, path="/x?a=1"),
        signer.sign(other, host=HOST, path="/x"),
    ]
    assert len({dict(headers)[b"authorization"] for headers in variants if not inspect.isawaitable(headers)}) == 5


async def test_credentials_are_waited_for() -> None:
    clock = ManualClock()
    now = BedrockSigner(StaticCredentials(CREDENTIALS), region="r", clock=clock).sign(CALL, host=HOST, path="/x")
    later = BedrockSigner(Later(CREDENTIALS), region="r", clock=clock).sign(CALL, host=HOST, path="/x")
    assert inspect.isawaitable(later)
    assert await later == now


async def test_without_credentials_nothing_is_sent() -> None:
    headers = BedrockSigner(Later(None), region="r", clock=ManualClock()).sign(CALL, host=HOST, path="/x")
    assert inspect.isawaitable(headers)
    with pytest.raises(CredentialsError) as caught:
        await headers
    assert caught.value.status == 502
