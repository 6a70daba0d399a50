import hashlib
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.config.models import AnonymousAccess, GatewayConfig, KeySettings, StaticKey
from kaigate.config.secrets import Secret, SecretRef
from kaigate.keys.hashing import key_digest, key_id
from kaigate.keys.keyring import Keyring, static_digest
from kaigate.keys.policy import KeyPolicy
from kaigate.pipeline.principal import Principal

APP, HASHED, MASTER = "kg-app-" + "a" * 20, "kg-hashed-" + "h" * 20, "kg-master-" + "m" * 20
APP_REF, MASTER_REF = SecretRef("env", "APP"), SecretRef("env", "MASTER")
SECRETS = {APP_REF: Secret(APP), MASTER_REF: Secret(MASTER)}


def keyring(*, anonymous: bool = False) -> Keyring:
    config = GatewayConfig(
        keys=KeySettings(
            master_key=MASTER_REF,
            static={
                "app": StaticKey(key=APP_REF, team="web", models=("llama*",)),
                "hashed": StaticKey(sha256=hashlib.sha256(HASHED.encode()).hexdigest(), private_only=True),
            },
            anonymous=AnonymousAccess(enabled=anonymous, models=("llama3",)),
        )
    )
    return Keyring.build(config, SECRETS, KeyPolicy.build(config))


def test_a_static_key_is_found_with_its_rights():
    caller = keyring().authenticate(APP.encode())
    assert caller is not None
    assert (caller.name, caller.team, caller.models, caller.private_only) == ("app", "web", ("llama*",), False)
    assert (caller.master, caller.anonymous) == (False, False)
    assert caller.key_id == key_id(key_digest(APP.encode()))


def test_a_key_given_by_its_digest_is_found():
    caller = keyring().authenticate(HASHED.encode())
    assert caller is not None
    assert (caller.name, caller.private_only) == ("hashed", True)


def test_the_master_key_is_the_only_master():
    caller = keyring().authenticate(MASTER.encode())
    assert caller is not None
    assert caller.master
    assert caller.models is None


@pytest.mark.parametrize(
    "token",
    [
        b"",
        b"kg-unknown-" + b"x" * 20,
        APP[:-1].encode(),
        APP.encode() + b"a",
        APP.upper().encode(),
        b" " + APP.encode(),
        APP.encode() + b"\n",
        APP.encode() + b"\0",
        b"' OR 1=1 --",
        b"\xff" * 20,
        b"x" * 100_000,
        hashlib.sha256(HASHED.encode()).hexdigest().encode(),
        key_id(key_digest(APP.encode())).encode(),
    ],
)
def test_anything_else_is_nobody(token):
    assert keyring().authenticate(token) is None
    assert keyring(anonymous=True).authenticate(token) is None


@given(st.binary(max_size=60))
def test_no_random_key_is_accepted(token):
    assert keyring().authenticate(token) is None


def test_anonymous_access_exists_only_where_it_is_configured():
    assert keyring().anonymous is None
    caller = keyring(anonymous=True).anonymous
    assert caller is not None
    assert (caller.anonymous, caller.master, caller.key_id) == (True, False, "anonymous")
    assert caller.may_use("llama3")
    assert not caller.may_use("gpt-5")


def test_no_key_is_kept_or_shown():
    ring = keyring()
    text = repr(ring) + repr(ring._callers)
    for key in (APP, HASHED, MASTER):
        assert key not in text
        assert key[:12] not in text
    assert len(ring) == 3


def test_the_table_is_indexed_differently_in_every_process():
    assert keyring()._callers.keys().isdisjoint(keyring()._callers.keys())


def test_a_table_entry_that_does_not_match_in_full_is_refused():
    ring = Keyring({key_digest(APP.encode()): Principal(key_id="x", name="app")})
    index = next(iter(ring._callers))
    ring._callers[index] = (b"\0" * 32, ring._callers[index][1])
    assert ring.authenticate(APP.encode()) is None


def test_a_static_key_without_key_or_digest_is_an_error():
    with pytest.raises(ValueError, match="reference or a digest"):
        static_digest(StaticKey(), {})


def test_a_look_up_touches_one_entry_however_many_keys_there_are():
    many = Keyring({key_digest(f"kg-{n:020}".encode()): Principal(key_id=str(n), name=str(n)) for n in range(2000)})
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        caller = many.authenticate(b"kg-00000000000000001234")
    finally:
        sys.setprofile(None)
    assert caller is not None
    assert caller.name == "1234"
    assert calls < 25
