"""Our signatures equal botocore's, on any request that may be sent."""

from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from kaigate.transport.aws.credentials import AwsCredentials
from kaigate.transport.sigv4 import sign

MODELS = [
    "amazon.nova-micro-v1:0",
    "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:application-inference-profile/a1b2c3",
    "módel/ü?&=#%25 ~*'()!",
]
TOKEN = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)
HEADER_NAMES = st.sampled_from(["Content-Type", "accept", "X-Amzn-Bedrock-Trace", "x-custom", "content-md5"])
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
STEPS = st.lists(st.text(max_size=12).map(lambda text: quote(text, safe="")), max_size=6)
QUERY = st.lists(st.tuples(TOKEN, VALUES).map(lambda pair: f"{quote(pair[0])}={quote(pair[1])}"), max_size=4)
NOWS = st.integers(0, 4_000_000_000)


class _Moment(datetime):
    """A clock for botocore that stands still."""

    moment = 0.0

    @classmethod
    def utcnow(cls) -> datetime:
        return datetime.fromtimestamp(cls.moment, UTC).replace(tzinfo=None)


def judged(  # noqa: PLR0917 -- the parts of a request
    url: str, method: str, headers: list[tuple[str, str]], body: bytes, keys: Any, now: float
) -> str:
    """botocore's Authorization header."""
    request = AWSRequest(method=method, url=url, data=body)
    for name, value in headers:
        request.headers[name] = value
    signer = SigV4Auth(Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token), "bedrock", "r-1")
    _Moment.moment = now
    with patch("botocore.auth.get_current_datetime", lambda *_, **__: _Moment.utcnow()):
        signer.add_auth(request)
    return str(request.headers["Authorization"])


def ours(  # noqa: PLR0917 -- the parts of a request
    host: str, path: str, query: str, method: str, headers: list[tuple[str, str]], body: bytes, keys: Any, now: float
) -> str:
    signed = sign(
        method=method,
        host=host,
        path=path,
        query=query,
        headers=headers,
        body=body,
        credentials=keys,
        region="r-1",
        service="bedrock",
        now=now,
    )
    return dict(signed)[b"authorization"].decode()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("operation", ["converse", "converse-stream", "invoke"])
@pytest.mark.parametrize("token", [None, "session/token+with=signs"])
def test_model_ids_and_arns(model: str, operation: str, token: str | None) -> None:
    keys = AwsCredentials("AKIDEXAMPLE", "secret/+", token)
    host, path = "bedrock-runtime.us-east-1.amazonaws.com", f"/model/{quote(model, safe='')}/{operation}"
    headers = [("content-type", "application/json")]
    body = '{"messages":[{"text":"ü"}]}'.encode()
    expected = judged(f"https://{host}{path}", "POST", headers, body, keys, 1_790_000_000)
    assert ours(host, path, "", "POST", headers, body, keys, 1_790_000_000) == expected


@given(
    steps=STEPS,
    query=QUERY,
    headers=st.dictionaries(HEADER_NAMES, VALUES, max_size=4),
    body=st.binary(max_size=60),
    key=TOKEN,
    secret=TOKEN,
    token=st.none() | TOKEN,
    now=NOWS,
    method=st.sampled_from(["POST", "GET", "PUT"]),
    port=st.sampled_from(["", ":8443"]),
)
def test_generated_requests(  # noqa: PLR0917 -- the parts of a request
    steps: list[str],
    query: list[str],
    headers: dict[str, str],
    body: bytes,
    key: str,
    secret: str,
    token: str | None,
    now: int,
    method: str,
    port: str,
) -> None:
    keys = AwsCredentials(key, secret, token)
    host, path = "vpce-1.bedrock-runtime.us-east-1.vpce.amazonaws.com" + port, "/" + "/".join(steps)
    items = list(headers.items())
    url = f"https://{host}{path}" + (f"?{'&'.join(query)}" if query else "")
    expected = judged(url, method, items, body, keys, now)
    assert ours(host, path, "&".join(query), method, items, body, keys, now) == expected
