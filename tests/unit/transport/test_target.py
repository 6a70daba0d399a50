"""Origins are parsed strictly; targets share a pool exactly when origin, zone and TLS agree."""

import pytest

from kaigate.transport.target import Origin, Target
from kaigate.transport.tls import TlsSettings


@pytest.mark.parametrize(
    ("url", "origin", "path", "authority"),
    [
        ("https://api.openai.com/v1", Origin("https", "api.openai.com", 443), "/v1", "api.openai.com"),
        ("https://API.OpenAI.com./v1/", Origin("https", "api.openai.com", 443), "/v1", "api.openai.com"),
        ("http://127.0.0.1:11434", Origin("http", "127.0.0.1", 11434), "", "127.0.0.1:11434"),
        ("http://[::1]:8080/a/b", Origin("http", "::1", 8080), "/a/b", "[::1]:8080"),
        ("http://[fd00::1]/", Origin("http", "fd00::1", 80), "", "[fd00::1]"),
        ("https://host:80", Origin("https", "host", 80), "", "host:80"),
    ],
)
def test_a_base_url_becomes_origin_and_path(url: str, origin: Origin, path: str, authority: str) -> None:
    assert Origin.parse(url) == (origin, path)
    assert origin.authority == authority
    assert Origin.parse(origin.url) == (origin, "")


@pytest.mark.parametrize(
    "url",
    [
        "", "api.openai.com/v1", "ftp://host", "https://", "https:///v1", "https://user:pw@host", "https://@host",
        "https://host?x=1", "https://host#f", "https://host:0", "https://host:99999", "https://host:x",
        "https://ho st", "https://host/\r\nx", "https://h\u00f6st", "http://[::1", "http://[fe80::1%25eth0]/",
        "file:///etc/passwd", "unix:///run/x", "http://ho\tst/",
    ],
)  # fmt: skip
def test_anything_but_a_plain_base_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        Origin.parse(url)


def test_targets_share_a_pool_exactly_when_origin_zone_and_tls_agree() -> None:
    origin = Origin("https", "h", 443)
    target = Target(origin, "private", TlsSettings(), 4)
    assert target == Target(Origin("https", "h", 443), "private", TlsSettings(), 9)
    assert hash(target) == hash(Target(origin, "private", TlsSettings(), 9))
    assert target != Target(origin, "external", TlsSettings(), 4)
    assert target != Target(origin, "private", TlsSettings(ca_file="x"), 4)
    assert target != Target(Origin("http", "h", 443), "private", TlsSettings(), 4)
    assert target != origin


def test_a_pool_has_at_least_one_connection() -> None:
    with pytest.raises(ValueError, match="max_connections"):
        Target(Origin("http", "h", 80), "private", None, 0)
