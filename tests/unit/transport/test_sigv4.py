"""Signature Version 4: the published example, and what each part of a request does to it."""

import pytest

from kaigate.transport.aws.credentials import AwsCredentials
from kaigate.transport.sigv4 import sign

CREDENTIALS = AwsCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+" + "bPxRfiCYEXAMPLEKEY")
NOW = 1440938160.0  # 2015-08-30T12:36:00Z, of AWS's test suite


def signature(**changes: object) -> str:
    arguments: dict[str, object] = {
        "method": "GET",
        "host": "example.amazonaws.com",
        "path": "/",
        "body": b"",
        "credentials": CREDENTIALS,
        "region": "us-east-1",
        "service": "service",
        "now": NOW,
    }
    headers = dict(sign(**{**arguments, **changes}))  # type: ignore[arg-type]
    return headers[b"authorization"].decode()


def test_the_published_get_vanilla_example() -> None:
    assert signature() == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    )


def test_the_published_query_example() -> None:
    assert signature(query="Param2=value2&Param1=value1").endswith(
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
    )


def test_a_path_that_is_encoded_is_encoded_once_more() -> None:
    """The expected signature was made by botocore."""
    assert signature(path="/model/a%3Ab%2Fc~d/converse").endswith(
        "Signature=7de04af85be099049ad934249202c879b7fdaabb0dc515de088b590f582b84a8"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"method": "POST"},
        {"host": "other.amazonaws.com"},
        {"path": "/x"},
        {"path": "/%3A"},
        {"path": "/:"},
        {"query": "a=1"},
        {"body": b"x"},
        {"headers": [("content-type", "application/json")]},
        {"region": "eu-west-1"},
        {"service": "bedrock"},
        {"now": NOW + 1},
        {"credentials": AwsCredentials("AKIDEXAMPLE", "other")},
    ],
)
def test_every_part_of_a_request_is_signed(change: dict[str, object]) -> None:
    assert signature(**change).rpartition("=")[2] != signature().rpartition("=")[2]


def test_a_session_token_is_sent_and_signed() -> None:
    headers = dict(
        sign(
            method="GET",
            host="h",
            path="/",
            body=b"",
            credentials=AwsCredentials("AKID", "s", "session"),
            region="r",
            service="s",
            now=NOW,
        )
    )
    assert headers[b"x-amz-security-token"] == b"session"
    assert headers[b"x-amz-date"] == b"20150830T123600Z"
    assert b"SignedHeaders=host;x-amz-date;x-amz-security-token" in headers[b"authorization"]


@pytest.mark.parametrize(("left", "right"), [("/a//b/./c", "/a/b/c"), ("/a/../b/", "/b/"), ("", "/"), ("/..", "/")])
def test_a_path_is_signed_without_dots(left: str, right: str) -> None:
    assert signature(path=left) == signature(path=right)


def test_a_derived_key_is_kept_for_its_scope_alone() -> None:
    credentials = AwsCredentials("AKID", "s")
    found = [signature(credentials=credentials, now=now, region=region) for now, region in SCOPES * 2]
    assert found[: len(SCOPES)] == found[len(SCOPES) :]
    assert found[: len(SCOPES)] == [
        signature(credentials=AwsCredentials("AKID", "s"), now=now, region=region) for now, region in SCOPES
    ]
    assert signature(credentials=AwsCredentials("AKID", "t")) != signature(credentials=AwsCredentials("AKID", "s"))


SCOPES = [(NOW, "a"), (NOW, "a"), (NOW + 86_400, "a"), (NOW, "b")]
