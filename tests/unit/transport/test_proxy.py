"""Which exchanges pass a proxy."""

import pytest

from kaigate.transport.errors import EgressRefused
from kaigate.transport.proxy import Proxy, ProxyPolicy
from kaigate.transport.target import Origin, Target, Zone


def external(url: str, zone: Zone = "external") -> Target:
    return Target(Origin.parse(url)[0], zone)


PROXY = {"HTTPS_PROXY": "http://proxy.test:3128"}


def test_an_external_https_upstream_passes_the_proxy() -> None:
    policy = ProxyPolicy.from_environment(PROXY)
    assert policy.proxy_for(external("https://api.test")) == Proxy("proxy.test", 3128)


@pytest.mark.parametrize(
    ("environ", "url", "zone"),
    [
        ({}, "https://api.test", "external"),
        (PROXY, "https://api.test", "private"),
        (PROXY, "http://api.test", "external"),
        ({"HTTP_PROXY": "http://proxy.test"}, "https://api.test", "external"),
        (PROXY | {"NO_PROXY": "*"}, "https://api.test", "external"),
    ],
)
def test_everything_else_goes_directly(environ: dict[str, str], url: str, zone: Zone) -> None:
    assert ProxyPolicy.from_environment(environ).proxy_for(external(url, zone)) is None


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("api.test", "https://api.test", True),
        ("api.test", "https://eu.api.test", True),
        ("API.test", "https://api.test", True),
        (".api.test", "https://eu.api.test", True),
        (".api.test", "https://api.test", True),
        ("*.api.test", "https://eu.api.test", True),
        ("api.test", "https://badapi.test", False),
        ("api.test:443", "https://api.test", True),
        ("api.test:444", "https://api.test", False),
        ("10.0.0.0/8", "https://10.1.2.3", True),
        ("10.0.0.0/8", "https://11.1.2.3", False),
        ("10.0.0.0/8", "https://name.test", False),
        ("10.1.2.3", "https://10.1.2.3", True),
        ("10.1.2.3:443", "https://10.1.2.3", True),
        ("fd00::/8", "https://[fd00::1]", True),
        ("[fd00::1]", "https://[fd00::1]", True),
        ("a.test, ,b.test", "https://b.test", True),
        ("", "https://api.test", False),
    ],
)
def test_no_proxy_names_hosts_networks_and_ports(no_proxy: str, url: str, direct: bool) -> None:
    policy = ProxyPolicy.from_environment(PROXY | {"NO_PROXY": no_proxy})
    assert (policy.proxy_for(external(url)) is None) is direct


def test_lower_case_names_win() -> None:
    policy = ProxyPolicy.from_environment(PROXY | {"https_proxy": "http://other.test:1", "no_proxy": "x.test"})
    assert policy.proxy_for(external("https://api.test")) == Proxy("other.test", 1)
    assert policy.proxy_for(external("https://x.test")) is None


def test_credentials_are_sent_and_never_shown() -> None:
    policy = ProxyPolicy.from_environment({"HTTPS_PROXY": "http://user:p%40ss@proxy.test"})
    assert policy.proxy is not None
    assert policy.proxy.authorization == b"Basic dXNlcjpwQHNz"
    assert "dXNlc" not in repr(policy)
    assert policy.proxy.port == 80


@pytest.mark.parametrize("url", ["https://proxy.test", "socks5://proxy.test:1080", "http://", "http://u:hush#x@p"])
def test_a_proxy_that_is_not_plain_http_is_refused_at_start(url: str) -> None:
    with pytest.raises(ValueError, match="HTTPS_PROXY must be") as caught:
        ProxyPolicy.from_environment({"HTTPS_PROXY": url})
    assert "hush" not in str(caught.value)


def test_a_proxy_host_must_be_on_the_list_if_there_is_one() -> None:
    target = external("https://api.test")
    assert ProxyPolicy.from_environment(PROXY, allowed_hosts=["Proxy.test"]).proxy_for(target)
    with pytest.raises(EgressRefused):
        ProxyPolicy.from_environment(PROXY, allowed_hosts=["other.test"]).proxy_for(target)
    with pytest.raises(EgressRefused):
        ProxyPolicy.from_environment(PROXY, allowed_hosts=[]).proxy_for(target)
