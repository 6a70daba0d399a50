"""A script is known by the digest that Redis computes."""

from kaigate.store.redis.script import Script


def test_the_digest_is_that_of_redis():
    assert Script("return 1").sha1 == b"e0e1f9fabfc9d4800c877a703b823ac0578ff8db"


def test_the_source_is_utf_8():
    assert Script("return 'é'").source == "return 'é'".encode()
