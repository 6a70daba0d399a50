"""URLs of every kind are read, and a wrong one is refused without repeating its password."""

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.store.redis.url import SCHEMES, Address, RedisUrl

HOST = Address("valkey", 6379)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("redis://valkey", RedisUrl("standalone", (HOST,))),
        ("redis://valkey:7000/", RedisUrl("standalone", (Address("valkey", 7000),))),
        ("redis://[::1]:7000/3", RedisUrl("standalone", (Address("::1", 7000),), database=3)),
        ("rediss://valkey", RedisUrl("standalone", (HOST,), tls=True)),
        ("redis://:p%40ss@valkey", RedisUrl("standalone", (HOST,), password="p@ss")),
        ("redis://u:a:b@valkey", RedisUrl("standalone", (HOST,), username="u", password="a:b")),
        ("redis://u:a@b@valkey", RedisUrl("standalone", (HOST,), username="u", password="a@b")),
        (
            "redis+sentinel://s1,s2:27000/main",
            RedisUrl("sentinel", (Address("s1", 26379), Address("s2", 27000)), service="main"),
        ),
        (
            "rediss+sentinel://:x@s1/main/2",
            RedisUrl("sentinel", (Address("s1", 26379),), tls=True, password="x", database=2, service="main"),
        ),
        ("redis+cluster://n1,n2:7001", RedisUrl("cluster", (Address("n1", 6379), Address("n2", 7001)))),
        ("rediss+cluster://n1/0", RedisUrl("cluster", (Address("n1", 6379),), tls=True)),
    ],
)
def test_a_url_is_read(text, expected):
    assert RedisUrl.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("valkey:6379", "begins with redis://"),
        ("http://valkey", "begins with redis://"),
        ("redis://", "missing"),
        ("redis://:6379", "missing"),
        ("redis://valkey:", "missing"),
        ("redis://valkey:0", "missing"),
        ("redis://valkey:70000", "not valid"),
        ("redis://valkey:six", "not valid"),
        ("redis://[::1", "not valid"),
        ("redis://valkey/one", "number of a database"),
        ("redis://valkey/-1", "number of a database"),
        ("redis://valkey/99999999", "number of a database"),
        ("redis://valkey?db=1", "no query"),
        ("redis://val key", "no spaces"),
        ("redis://user@valkey", "without a password"),
        ("redis://a,b", "several hosts"),
        ("redis+sentinel://s1", "service"),
        ("redis+sentinel://s1/", "service"),
        ("redis+cluster://n1/1", "only database 0"),
        ("redis+cluster://n1,,n2", "missing"),
        ("redis+cluster://" + ",".join(["n"] * 65), "at most 64"),
    ],
)
def test_a_wrong_url_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        RedisUrl.parse(text)


@given(
    scheme=st.sampled_from([*SCHEMES, "http", ""]),
    rest=st.text(max_size=20),
)
def test_no_error_and_no_representation_repeats_the_password(scheme, rest):
    password = "correcthorse"
    text = f"{scheme}://u:{password}@{rest}"
    assert password not in said_about(text)


def said_about(text):
    try:
        return repr(RedisUrl.parse(text))
    except ValueError as error:
        return "".join(traceback.format_exception(error, limit=0))
