"""An issuer of tokens in this process, and a real mock OpenID provider on loopback."""

import asyncio
import base64
import json
import time
import urllib.parse
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER = "https://id.example/realms/kaigate"
AUDIENCE = "kaigate"
MOCK_WARNINGS = ("ignore:get_jwt_config:DeprecationWarning",)
"""What the mock provider's own dependencies warn of."""
KEYS: dict[str, Any] = {
    "RS256": rsa.generate_private_key(65537, 2048),
    "PS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def jwk(key: Any, kid: str | None, **fields: Any) -> dict[str, Any]:
    """The public half of a key as a JWK."""
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        document = RSAAlgorithm.to_jwk(public, as_dict=True)
    elif isinstance(public, ec.EllipticCurvePublicKey):
        document = ECAlgorithm.to_jwk(public, as_dict=True)
    else:
        document = OKPAlgorithm.to_jwk(public, as_dict=True)
    document.pop("key_ops", None)
    return {**document, "kid": kid, **fields} if kid is not None else {**document, **fields}


def key_set(*jwks: dict[str, Any]) -> bytes:
    return json.dumps({"keys": jwks}).encode()


def claims(**changes: Any) -> dict[str, Any]:
    """Good claims; a change to None leaves one out."""
    now = int(time.time())
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "iat": now, "nbf": now, "exp": now + 600, **changes}
    return {name: value for name, value in good.items() if value is not None}


def token(algorithm: str = "RS256", header: dict[str, Any] | None = None, key: Any = None, **changes: Any) -> bytes:
    """A token signed by the key of this algorithm, whose id is the algorithm's name."""
    headers = {"kid": algorithm, **(header or {})}
    return jwt.encode(claims(**changes), key or KEYS[algorithm], algorithm, headers=headers).encode()


def by_hand(header: bytes, payload: bytes, algorithm: str = "RS256") -> bytes:
    """A token whose header and payload are these very bytes, truly signed."""
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in (header, payload))
    signer = jwt.get_algorithm_by_name(algorithm)
    return signed + b"." + base64.urlsafe_b64encode(signer.sign(signed, KEYS[algorithm])).rstrip(b"=")


class Endpoint:
    """Serves a key set to a verifier's `fetch` and counts the calls; `failure` is raised instead."""

    def __init__(self, document: bytes | None = None) -> None:
        self.document = document or key_set(*(jwk(key, name) for name, key in KEYS.items()))
        self.failure: Exception | None = None
        self.calls = 0
        self.open = asyncio.Event()
        self.open.set()

    async def fetch(self, address: str) -> bytes:
        self.calls += 1
        await self.open.wait()
        if self.failure is not None:
            raise self.failure
        return self.document


class MockProvider:
    """A running `oidc-provider-mock`."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://localhost:{port}"

    async def fetch(self, address: str) -> bytes:
        """The body at an address."""
        return await asyncio.to_thread(_read, urllib.request.Request(address))

    def id_token(self, subject: str, client: str, **claims: Any) -> bytes:
        """Give the subject these claims, then walk the code flow as a browser and a client would. Blocking."""
        about = urllib.request.Request(
            f"{self.issuer}/users/{subject}",
            json.dumps(claims).encode(),
            {"content-type": "application/json"},
            method="PUT",
        )
        urllib.request.urlopen(about, timeout=10).close()
        back = "https://app.example/back"
        query = {"client_id": client, "redirect_uri": back, "response_type": "code", "scope": "openid"}
        url = f"{self.issuer}/oauth2/authorize?{urllib.parse.urlencode(query)}"
        opener = urllib.request.build_opener(_NoRedirect())
        form = urllib.parse.urlencode({"sub": subject}).encode()
        answer = opener.open(urllib.request.Request(url, form), timeout=10)
        code = urllib.parse.parse_qs(urllib.parse.urlsplit(answer.headers["location"]).query)["code"][0]
        exchange = {"grant_type": "authorization_code", "code": code, "redirect_uri": back}
        request = urllib.request.Request(
            f"{self.issuer}/oauth2/token",
            urllib.parse.urlencode(exchange).encode(),
            {"authorization": "Basic " + base64.b64encode(f"{client}:secret".encode()).decode()},
        )
        return json.loads(_read(request))["id_token"].encode()


@contextmanager
def mock_provider() -> Iterator[MockProvider]:
    """The provider in a thread; tests that use it let `MOCK_WARNINGS` pass."""
    # The import switches warnings of its own on, so that no filter of ours holds: they are recorded and dropped.
    with warnings.catch_warnings(record=True):
        from oidc_provider_mock import run_server_in_thread

    with run_server_in_thread() as server:
        yield MockProvider(server.server_port)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        return fp

    http_error_303 = http_error_302


def _read(request: urllib.request.Request) -> bytes:
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read(1_000_000)
