"""Only public keys that fit are used; they are fetched once, seldom, and outlive a provider that is down."""

import asyncio
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import ECAlgorithm

from kaigate.config.jwt_settings import JwtSettings
from kaigate.keys.jwks import MAX_DOCUMENT_BYTES, KeySource, parse_key_set
from kaigate.transport.errors import ConnectFailed
from support.clocks import ManualClock
from support.identity_provider import AUDIENCE, ISSUER, KEYS, Endpoint, jwk, key_set

ALL = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
SETTINGS = JwtSettings(
    issuer=ISSUER, audiences=(AUDIENCE,), jwks="https://id.example/jwks", refresh_s=600, max_stale_s=3600
)


@pytest.mark.parametrize(("name", "algorithm"), [(name, name) for name in ALL] + [("RS256", "PS256")])
def test_a_key_is_found_by_its_id_for_the_algorithms_of_its_kind(name, algorithm):
    keys = parse_key_set(key_set(*(jwk(key, kid) for kid, key in KEYS.items())), ALL)
    assert keys.find(name, algorithm).kid == name


@pytest.mark.parametrize(
    ("kid", "algorithm"),
    [
        ("ES256", "RS256"),
        ("ES256", "ES384"),
        ("EdDSA", "ES256"),
        ("RS256", "HS256"),
        ("RS256", "none"),
        ("no", "RS256"),
    ],
)
def test_a_key_checks_no_other_algorithm(kid, algorithm):
    keys = parse_key_set(key_set(*(jwk(key, name) for name, key in KEYS.items())), ALL)
    assert keys.find(kid, algorithm) is None


def test_without_an_id_a_key_is_found_only_where_there_is_no_choice():
    one = parse_key_set(key_set(jwk(KEYS["RS256"], None), jwk(KEYS["ES256"], "e")), ALL)
    assert one.find(None, "RS256").kid is None
    two = parse_key_set(key_set(jwk(KEYS["RS256"], "a"), jwk(KEYS["PS256"], "b")), ALL)
    assert two.find(None, "RS256") is None


def test_an_algorithm_in_the_document_is_the_only_one():
    keys = parse_key_set(key_set(jwk(KEYS["RS256"], "k", alg="PS256")), ALL)
    assert keys.find("k", "RS256") is None
    assert keys.find("k", "PS256") is not None


WEAK = rsa.generate_private_key(65537, 1024)
UNUSABLE = {
    "encryption": jwk(KEYS["RS256"], "bad", use="enc"),
    "no verification": jwk(KEYS["RS256"], "bad", key_ops=["sign"]),
    "private": json.loads(ECAlgorithm.to_jwk(KEYS["ES256"])) | {"kid": "bad", "key_ops": ["verify"]},
    "symmetric": {"kty": "oct", "k": "c2VjcmV0", "kid": "bad", "alg": "HS256"},
    "weak": jwk(WEAK, "bad"),
    "another algorithm": jwk(KEYS["RS256"], "bad", alg="RSA-OAEP"),
    "unknown curve": {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA", "kid": "bad"},
    "not on the curve": {**jwk(KEYS["ES256"], "bad"), "x": "AAAA"},
    "no numbers": {"kty": "RSA", "kid": "bad"},
    "numbers of another type": {"kty": "RSA", "n": 5, "e": [], "kid": "bad"},
    "unknown kind": {"kty": ["RSA"], "kid": "bad"},
    "no object": "bad",
}


@pytest.mark.parametrize("raw", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_an_unusable_key_is_left_out(raw):
    keys = parse_key_set(key_set(raw, jwk(KEYS["RS256"], "good")), ALL)
    assert keys.find("good", "RS256") is not None
    assert all(keys.find("bad", algorithm) is None for algorithm in ALL)
    with pytest.raises(ValueError, match="public key"):
        parse_key_set(key_set(raw), ALL)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"keys":{}}',
        b'{"keys":[]}',
        b"\xff",
        b"[" * 200_000,
        b'{"keys":[' + b"1," * 64 + b"1]}",
        b" " * (MAX_DOCUMENT_BYTES + 1),
    ],
)
def test_what_is_no_key_set_is_refused(document):
    with pytest.raises(ValueError):
        parse_key_set(document, ALL)


def source(endpoint, clock, on_change=lambda: None):
    return KeySource(SETTINGS, endpoint.fetch, clock, on_change)


async def test_one_fetch_serves_all_and_the_next_is_not_before_its_time():
    clock, endpoint = ManualClock(), Endpoint()
    keys = source(endpoint, clock)
    assert keys.keys is None
    endpoint.open.clear()
    running = keys.refresh()
    assert keys.refresh() is running
    endpoint.open.set()
    await running
    assert keys.keys.find("RS256", "RS256") is not None
    clock.advance(9.9)
    assert keys.refresh() is None
    clock.advance(0.1)
    await keys.refresh()
    assert endpoint.calls == 2


async def test_old_keys_are_fetched_again_in_the_background():
    clock, endpoint = ManualClock(), Endpoint()
    keys = source(endpoint, clock)
    await keys.refresh()
    clock.advance(600)
    keys.refresh_if_old()
    await asyncio.sleep(0)
    assert endpoint.calls == 1
    clock.advance(0.1)
    keys.refresh_if_old()
    assert keys.keys is not None
    await keys.refresh()  # the one that runs already
    assert endpoint.calls == 2


@pytest.mark.parametrize("failure", [OSError("down"), TimeoutError(), ValueError("no"), ConnectFailed("host")])
async def test_keys_outlive_a_provider_that_is_down_for_a_bounded_time(failure, caplog):
    clock, endpoint = ManualClock(), Endpoint()
    keys = source(endpoint, clock)
    await keys.refresh()
    endpoint.failure = failure
    clock.advance(3600)
    await keys.refresh()
    assert keys.keys is not None
    assert type(failure).__name__ in caplog.text
    clock.advance(0.1)
    assert keys.keys is None
    endpoint.failure = None
    clock.advance(10)
    await keys.refresh()
    assert keys.keys is not None


async def test_a_fetch_ends_in_time():
    endpoint = Endpoint()
    endpoint.open.clear()
    hasty = SETTINGS.model_copy(update={"fetch_timeout_s": 0.02})
    keys = KeySource(hasty, endpoint.fetch, ManualClock(), lambda: None)
    await asyncio.wait_for(keys.refresh(), 2)
    assert keys.keys is None


async def test_a_change_is_told_and_no_change_is_not():
    clock, endpoint, told = ManualClock(), Endpoint(), []
    keys = source(endpoint, clock, lambda: told.append(endpoint.calls))
    for document in (endpoint.document, endpoint.document, b"nonsense", key_set(jwk(KEYS["ES256"], "new"))):
        endpoint.document = document
        clock.advance(10)
        await keys.refresh()
    assert told == [1, 4]
    assert keys.keys.find("RS256", "RS256") is None


async def test_closing_ends_a_running_fetch():
    endpoint = Endpoint()
    endpoint.open.clear()
    keys = source(endpoint, ManualClock())
    running = keys.refresh()
    await asyncio.sleep(0)
    await keys.close()
    assert running.cancelled()
