import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.keys.hashing import generate_key, key_digest, key_id, well_formed


@pytest.mark.parametrize(
    ("token", "fine"),
    [
        (b"kg-" + b"a" * 43, True),
        (b"a" * 8, True),
        (b"a" * 512, True),
        (b"a" * 7, False),
        (b"a" * 513, False),
        (b"", False),
        (b"a" * 8 + b" ", False),
        (b"a" * 8 + b"\n", False),
        (b"a" * 8 + b"\0", False),
        (b"a" * 8 + b"\x7f", False),
        (b"\xc3\xa9" * 8, False),
    ],
)
def test_only_printable_ascii_of_a_sane_length_is_a_key(token, fine):
    assert well_formed(token) is fine


@given(st.binary(min_size=8, max_size=40))
def test_the_shape_is_exact(token):
    assert well_formed(token) is all(0x21 <= byte <= 0x7E for byte in token)


def test_the_digest_is_the_one_that_sha256sum_prints():
    token = b"kg-" + b"a" * 43
    assert key_digest(token).hex() == hashlib.sha256(token).hexdigest()


def test_the_public_id_is_short_stable_and_no_part_of_the_digest():
    digest = key_digest(b"kg-" + b"a" * 43)
    assert key_id(digest) == key_id(digest)
    assert len(key_id(digest)) == 12
    assert key_id(digest) not in digest.hex()
    # Nor what others may hold of the key: the hash of its hash is a common way to keep one.
    assert key_id(digest) not in hashlib.sha256(digest).hexdigest()
    assert key_id(digest) != key_id(key_digest(b"another-key"))


def test_generated_keys_are_well_formed_and_differ():
    first, second = generate_key(), generate_key()
    assert first != second
    assert first.startswith("kg-")
    assert len(first) == 3 + 43  # 256 bits in base64url
    assert well_formed(first.encode())
