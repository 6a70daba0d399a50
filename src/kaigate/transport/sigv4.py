"""AWS Signature Version 4 (source: AWS IAM User Guide, "Create a signed AWS API request"). Pure.

The path of a request is URL-encoded once; its canonical form is encoded once more, as every service but S3 wants it.
"""

import hashlib
import hmac
import time
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import quote

from kaigate.transport.aws.credentials import AwsCredentials

_ALGORITHM: Final = "AWS4-HMAC-SHA256"


def sign(
    *,
    method: str,
    host: str,
    path: str,
    query: str = "",
    headers: Iterable[tuple[str, str]] = (),
    body: bytes,
    credentials: AwsCredentials,
    region: str,
    service: str,
    now: float,
) -> list[tuple[bytes, bytes]]:
    """The headers that sign a request: `x-amz-date`, `x-amz-security-token` if there is one, and `authorization`.

    `host` is the Host header's value; `path` and `query` stand as on the request line; `headers` are further ones to
    be signed, in any order and case. `now` is in seconds since the epoch.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    added = [("x-amz-date", stamp)]
    if credentials.session_token is not None:
        added.append(("x-amz-security-token", credentials.session_token))
    names, block = _canonical_headers([("host", host), *added, *headers])
    canonical = "\n".join(
        (
            method,
            quote(_without_dots(path), safe="/~"),
            _canonical_query(query),
            block,
            names,
            hashlib.sha256(body).hexdigest(),
        )
    )
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    text = f"{_ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = _signing_key(credentials, scope)
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    access = f"Credential={credentials.access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    added.append(("authorization", f"{_ALGORITHM} {access}"))
    return [(name.encode(), value.encode()) for name, value in added]


def _signing_key(credentials: AwsCredentials, scope: str) -> bytes:
    """The key of a scope; it holds for a day, and deriving it costs as much as all the rest."""
    known = credentials.signing_key
    if known is not None and known[0] == scope:
        return known[1]
    key = b"AWS4" + credentials.secret_access_key.encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    credentials.signing_key = scope, key
    return key


def _canonical_headers(headers: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """The signed names, and a line for each with runs of white space as one space and repeated values joined."""
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(" ".join(value.split()))
    names = sorted(values)
    return ";".join(names), "".join(f"{name}:{','.join(values[name])}\n" for name in names)


def _canonical_query(query: str) -> str:
    """The pairs in order of name and value, as they are encoded already."""
    if not query:
        return ""
    pairs = sorted(pair.partition("=")[::2] for pair in query.split("&"))
    return "&".join(f"{name}={value}" for name, value in pairs)


def _without_dots(path: str) -> str:
    """The path without empty, `.` and `..` steps (RFC 3986, 5.2.4; AWS joins repeated slashes too)."""
    kept: list[str] = []
    for step in path.split("/"):
        if step == "..":
            del kept[-1:]
        elif step and step != ".":
            kept.append(step)
    end = "/" if kept and path.endswith("/") else ""
    return "/" + "/".join(kept) + end
