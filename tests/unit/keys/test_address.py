import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.keys.address import ProxyTrust, parse_address

TRUST = ProxyTrust(("10.0.0.0/8", "192.0.2.7", "fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.1", b"203.0.113.5", "203.0.113.5"),
        ("10.0.0.1", b"203.0.113.5:4711", "203.0.113.5"),
        ("10.0.0.1", b"[2001:db8::1]:443", "2001:db8::1"),
        ("10.0.0.1", b"2001:db8::1", "2001:db8::1"),
        ("10.0.0.1", b"::ffff:203.0.113.5", "203.0.113.5"),
        ("fd00::1", b"203.0.113.5", "203.0.113.5"),
        ("192.0.2.7", b"203.0.113.5, 10.9.9.9", "203.0.113.5"),
        # What the client wrote itself stands left of the first untrusted address.
        ("10.0.0.1", b"127.0.0.1, 203.0.113.5", "203.0.113.5"),
        ("10.0.0.1", b"10.0.0.9, 203.0.113.5, 10.0.0.2", "203.0.113.5"),
        # Only proxies: the farthest one is held responsible.
        ("10.0.0.1", b"10.0.0.3, 10.0.0.2", "10.0.0.3"),
        # No proxy header, or nobody who may send one.
        ("10.0.0.1", None, "10.0.0.1"),
        ("203.0.113.9", b"127.0.0.1", "203.0.113.9"),
        # Malformed on the way to the client: the peer.
        ("10.0.0.1", b"", "10.0.0.1"),
        ("10.0.0.1", b"unknown", "10.0.0.1"),
        ("10.0.0.1", b"203.0.113.5, , 10.0.0.2", "10.0.0.1"),
        ("10.0.0.1", b"203.0.113.5, garbage", "10.0.0.1"),
        ("10.0.0.1", b"\xff\xfe", "10.0.0.1"),
        ("10.0.0.1", b"1.2.3.4," * 1000 + b"203.0.113.5", "10.0.0.1"),
        # Malformed left of the client: never read.
        ("10.0.0.1", b"garbage, 203.0.113.5", "203.0.113.5"),
        ("", b"203.0.113.5", ""),
    ],
)
def test_the_client_is_the_first_untrusted_address_from_the_right(peer, forwarded, client):
    assert TRUST.client(peer, forwarded) == client


def test_without_trusted_proxies_the_header_means_nothing():
    assert ProxyTrust(()).client("10.0.0.1", b"203.0.113.5") == "10.0.0.1"


@given(st.lists(st.sampled_from([b"127.0.0.1", b"10.0.0.1", b"evil", b"::1", b""])))
def test_no_header_of_an_untrusted_peer_changes_its_address(elements):
    assert TRUST.client("203.0.113.9", b",".join(elements)) == "203.0.113.9"


@given(st.binary(max_size=100))
def test_every_header_gives_an_address(header):
    assert parse_address(TRUST.client("10.0.0.1", header)) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "1.2.3",
        "1.2.3.4:",
        "1.2.3.4:x",
        "1.2.3.4:123456",
        "[::1",
        "[::1]x:",
        "01.2.3.4",
        "::1:::",
        "\u0661.2.3.4",
    ],
)
def test_what_is_no_address(text):
    assert parse_address(text) is None


def test_networks_must_be_networks():
    with pytest.raises(ValueError, match="host bits"):
        ProxyTrust(("10.0.0.1/8",))
