"""Only tokens that the configured provider signed for this gateway are believed, and each is checked once."""

import asyncio
import base64
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from kaigate.config.jwt_settings import JwtClaims, JwtSettings
from kaigate.errors import UnavailableError
from kaigate.keys import jwt as jwt_module
from kaigate.keys.jwt import JwtVerifier
from kaigate.keys.policy import KeyPolicy
from kaigate.pipeline.principal import Limits, Principal
from support.clocks import ManualClock
from support.identity_provider import AUDIENCE, ISSUER, KEYS, Endpoint, by_hand, claims, jwk, key_set, token

SETTINGS = JwtSettings(
    issuer=ISSUER,
    audiences=("other", AUDIENCE),
    jwks="https://id.example/jwks",
    algorithms=("RS256", "PS256", "ES256", "ES384", "EdDSA"),
    leeway_s=30,
)


async def ready(endpoint=None, clock=None, **changes):
    """A verifier that has its keys."""
    verifier = JwtVerifier(
        SETTINGS.model_copy(update=changes), (endpoint or Endpoint()).fetch, clock=clock or ManualClock(time.time())
    )
    assert isinstance(await verifier.verify(token(sub="first")), Principal)
    return verifier


def encode(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")


@pytest.mark.parametrize("algorithm", KEYS)
async def test_a_good_token_is_its_subject(algorithm):
    verifier = await ready()
    caller = verifier.verify(token(algorithm))
    assert caller.name == "ada"
    assert caller.key_id.startswith("jwt-")
    assert not caller.master


async def test_the_first_token_waits_for_the_keys_and_no_other_does():
    endpoint = Endpoint()
    verifier = JwtVerifier(SETTINGS, endpoint.fetch)
    assert (await verifier.verify(token())).name == "ada"
    assert isinstance(verifier.verify(token()), Principal)
    assert isinstance(verifier.verify(token(sub="bob")), Principal)
    assert endpoint.calls == 1


async def test_tokens_that_wait_share_one_fetch_and_survive_each_other():
    endpoint = Endpoint()
    endpoint.open.clear()
    verifier = JwtVerifier(SETTINGS, endpoint.fetch)
    waiting = [asyncio.ensure_future(verifier.verify(token(sub=f"s{number}"))) for number in range(20)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    endpoint.open.set()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert [caller.name for caller in found[1:]] == [f"s{number}" for number in range(1, 20)]
    assert endpoint.calls == 1


NOW = int(time.time())
PUBLIC_PEM = (
    KEYS["RS256"].public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
)
STRANGER = rsa.generate_private_key(65537, 2048)


def confused(secret, header):
    """A token that is signed by HMAC with something public as the secret."""
    signed = encode({"alg": "HS256", "typ": "JWT", "kid": "RS256", **header}) + b"." + encode(claims())
    signature = jwt.get_algorithm_by_name("HS256").sign(signed, secret)
    return signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")


def swapped(field, value):
    """A good token with one claim changed after it was signed."""
    header, payload, signature = token().split(b".")
    return b".".join(
        (header, encode({**json.loads(base64.urlsafe_b64decode(payload + b"==")), field: value}), signature)
    )


HOSTILE = {
    "alg none": encode({"alg": "none", "typ": "JWT"}) + b"." + encode(claims()) + b".",
    "alg None with a signature": encode({"alg": "None", "kid": "RS256"}) + b"." + token().split(b".", 1)[1],
    "public key as HMAC secret": confused(PUBLIC_PEM, {}),
    "public key as HMAC secret, alg RS256 said": confused(PUBLIC_PEM, {"alg": "RS256"}),
    "key set as HMAC secret": confused(json.dumps(jwk(KEYS["RS256"], "RS256")).encode(), {}),
    "alg of another kind of key": token("ES256", header={"kid": "RS256"}),
    "alg as a list": by_hand(b'{"alg":["RS256"],"kid":"RS256"}', json.dumps(claims()).encode()),
    "expired": token(exp=NOW - 31, iat=NOW - 99, nbf=NOW - 99),
    "expiry as text": token(exp=str(NOW + 600)),
    "expiry beyond all time": token(exp=10**30),
    "expiry infinite": by_hand(
        b'{"alg":"RS256","kid":"RS256"}', json.dumps(claims(exp=7)).replace('"exp": 7', '"exp": 1e999').encode()
    ),
    "no expiry": token(exp=None),
    "not yet valid": token(nbf=NOW + 86_400, exp=NOW + 90_000),
    "issued in the future": token(iat=NOW + 86_400, exp=NOW + 90_000),
    "another audience": token(aud="billing"),
    "no audience": token(aud=None),
    "audience of objects": token(aud=[{"kaigate": 1}]),
    "another issuer": token(iss="https://evil.example"),
    "issuer as a prefix": token(iss=ISSUER + "/"),
    "no issuer": token(iss=None),
    "no subject": token(sub=None),
    "subject as a number": token(sub=5),
    "signed by a stranger": token(key=STRANGER),
    "stranger with its own key in the header": token(key=STRANGER, header={"jwk": jwk(STRANGER, "RS256")}),
    "stranger with a key address": token(key=STRANGER, header={"jku": "https://evil.example/jwks"}),
    "stranger with a certificate": token(key=STRANGER, header={"x5u": "https://evil.example/c", "x5c": ["AA"]}),
    "key id of a path": token(header={"kid": "../../../../dev/null"}),
    "key id of SQL": token(header={"kid": "x' UNION SELECT 'k'--"}),
    "long key id": token(header={"kid": "k" * 257}),
    "key id as a number": by_hand(b'{"alg":"RS256","kid":7}', json.dumps(claims()).encode()),
    "critical extension": by_hand(b'{"alg":"RS256","kid":"RS256","crit":["x"],"x":1}', json.dumps(claims()).encode()),
    "unencoded payload": by_hand(
        b'{"alg":"RS256","kid":"RS256","crit":["b64"],"b64":false}', json.dumps(claims()).encode()
    ),
    "a logout token": token(header={"typ": "logout+jwt"}),
    "claims twice": by_hand(
        b'{"alg":"RS256","kid":"RS256"}', json.dumps(claims()).replace('"sub"', '"sub": "root", "sub"').encode()
    ),
    "header twice": by_hand(b'{"alg":"none","alg":"RS256","kid":"RS256"}', json.dumps(claims()).encode()),
    "deep payload": by_hand(b'{"alg":"RS256","kid":"RS256"}', b'{"a":' + b"[" * 4000),
    "payload is a list": by_hand(b'{"alg":"RS256","kid":"RS256"}', b"[]"),
    "deep header": base64.urlsafe_b64encode(b'{"a":' + b"[" * 4000).rstrip(b"=") + b".e30.AA",
    "changed subject": swapped("sub", "root"),
    "later expiry": swapped("exp", NOW + 99_999),
    "no signature": token().rsplit(b".", 1)[0] + b".",
    "four parts": token() + b".AA",
    "two parts": token().rsplit(b".", 1)[0],
    "encrypted (five parts)": b"eyJ" + b"." * 4,
    "blank": b"",
    "dots": b"..",
    "only its beginning": b"eyJ..",
    "line break": token() + b"\n",
    "padding": token() + b"====",
    "not base64": b"eyJ!!!.e30.AA",
    "not ASCII": b"eyJ\xff\xfe.e30.AA",
    "huge": token(filler="x" * 8192),
    "huge nonsense": b"eyJ" + b"A" * 10_000_000 + b".A.A",
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_hostile_token_is_refused_whether_keys_are_there_or_not(hostile):
    for verifier in (await ready(), JwtVerifier(SETTINGS, Endpoint().fetch)):
        answer = verifier.verify(hostile)
        assert (await answer if answer is not None else None) is None
        assert all(caller.name == "first" for _, caller in verifier._remembered.values())


@pytest.mark.parametrize("changed", range(0, 600, 7))
async def test_no_changed_character_is_accepted(changed):
    verifier = await ready()
    good = token()
    at = changed % len(good)
    bad = good[:at] + (b"A" if good[at : at + 1] != b"A" else b"B") + good[at + 1 :]
    answer = verifier.verify(bad)
    assert (await answer if asyncio.iscoroutine(answer) else answer) is None


async def test_a_clock_that_is_a_little_off_is_forgiven():
    now = int(time.time())
    verifier = await ready()
    assert verifier.verify(token(exp=now - 5, iat=now - 99, nbf=now - 99)) is not None
    assert verifier.verify(token(nbf=now + 20, iat=now + 20)) is not None


async def test_a_remembered_token_ends_with_its_expiry():
    clock = ManualClock(time.time())
    verifier = await ready(clock=clock)
    presented = token(exp=int(clock.now()) + 60)
    first = verifier.verify(presented)
    clock.advance(59 + 30)
    assert verifier.verify(presented) is first
    clock.advance(2)
    # The library reads the machine's clock, so that the token is merely verified anew here.
    assert verifier.verify(presented) is not first


async def test_a_remembered_token_is_checked_again_after_a_while():
    clock = ManualClock(time.time())
    verifier = await ready(clock=clock, cache_s=5)
    presented = token()
    first = verifier.verify(presented)
    clock.advance(4)
    assert verifier.verify(presented) is first
    clock.advance(2)
    assert verifier.verify(presented) is not first


async def test_only_so_many_tokens_are_remembered(monkeypatch):
    monkeypatch.setattr(jwt_module, "MAX_REMEMBERED", 5)
    verifier = await ready()
    for number in range(20):
        verifier.verify(token("EdDSA", sub=f"s{number}"))
    assert len(verifier._remembered) == 5


async def test_a_new_key_is_fetched_at_a_bounded_rate():
    clock, endpoint = ManualClock(time.time()), Endpoint()
    verifier = await ready(endpoint, clock)
    fresh = rsa.generate_private_key(65537, 2048)
    endpoint.document = key_set(jwk(fresh, "new"))
    presented = token(key=fresh, header={"kid": "new"})
    assert verifier.verify(presented) is None  # too soon after the last fetch
    clock.advance(10)
    assert (await verifier.verify(presented)).name == "ada"
    for number in range(100):
        assert verifier.verify(token(header={"kid": f"made-up-{number}"})) is None
    assert endpoint.calls == 2


async def test_a_key_that_is_withdrawn_is_forgotten_with_what_it_signed():
    clock, endpoint = ManualClock(time.time()), Endpoint()
    verifier = await ready(endpoint, clock)
    presented = token("RS256")
    assert verifier.verify(presented) is not None
    endpoint.document = key_set(jwk(KEYS["ES256"], "ES256"))
    clock.advance(10)
    assert await verifier.verify(token("ES256", header={"kid": "not there"})) is None
    assert verifier.verify(token("ES256")) is not None
    assert verifier.verify(presented) is None


async def test_old_keys_are_used_while_new_ones_come():
    clock, endpoint = ManualClock(time.time()), Endpoint()
    verifier = await ready(endpoint, clock)
    clock.advance(700)
    endpoint.open.clear()
    assert isinstance(verifier.verify(token()), Principal)
    await verifier.close()


async def test_without_any_keys_nobody_is_told_that_a_token_is_bad():
    endpoint = Endpoint()
    endpoint.failure = OSError("connection refused")
    verifier = JwtVerifier(SETTINGS, endpoint.fetch)
    with pytest.raises(UnavailableError, match="identity provider"):
        await verifier.verify(token())
    with pytest.raises(UnavailableError):
        verifier.verify(token())
    assert endpoint.calls == 1


async def test_rights_come_from_claims_and_policy():
    named = JwtClaims(team="team", role="groups", preset="plan")
    policy = KeyPolicy(presets={"batch": Limits(rpm=600)}, teams={"ml": Limits(rpm=1000)})
    verifier = JwtVerifier(
        SETTINGS.model_copy(update={"claims": named, "roles": {"ops": "admin"}}), Endpoint().fetch, policy=policy
    )
    caller = await verifier.verify(token(team="ml", groups=["ops"], plan="batch"))
    assert (caller.team, caller.role, caller.limits.rpm, caller.team_limits.rpm) == ("ml", "admin", 600, 1000)
    assert verifier.verify(token(team="ml", groups=["ops"], plan="unlimited")) is None


async def test_nothing_of_a_token_is_logged(caplog):
    caplog.set_level("DEBUG")
    verifier = await ready()
    for hostile in (*HOSTILE.values(), token(sub="x" * 200)):
        answer = verifier.verify(hostile[:20_000])
        assert (await answer if asyncio.iscoroutine(answer) else answer) is None
    assert "refused" in caplog.text
    assert not any(part in caplog.text for part in ("eyJ", "evil", "root", "passwd", "xxxx", "UNION"))


@pytest.mark.parametrize(
    ("presented", "shape"),
    [(b"kg-" + b"A" * 43, False), (b"eyJ.eyJ.x", True), (b"eyJ.eyJ", False), (b"sk-a.b.c", False), (b"", False)],
)
def test_a_token_is_told_from_a_key_by_its_shape(presented, shape):
    assert JwtVerifier.looks_like_jwt(presented) is shape


async def test_a_token_is_cheap_to_know_and_not_dear_to_refuse():
    verifier = await ready()
    presented = token()
    verifier.verify(presented)
    assert _fastest(lambda: verifier.verify(presented), 2000) < 20e-6
    largest = token(key=STRANGER, filler="x" * 5000)
    assert len(largest) < SETTINGS.max_token_bytes
    # Signatures are checked on the event loop: the dearest of them must not hold up others for long.
    for dear in (largest, token("ES384", sub="changed")[:-8] + b"AAAAAAAA"):
        assert _fastest(lambda dear=dear: verifier.verify(dear), 20) < 5e-3


def _fastest(call, rounds):
    best = 1.0
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(rounds // 5):
            call()
        best = min(best, (time.perf_counter() - started) / (rounds // 5))
    return best
