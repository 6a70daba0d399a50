import pytest

from kaigate.config.models import ProviderSettings, TlsOptions
from kaigate.providers import registry
from kaigate.routing.upstream import build_upstream
from kaigate.transport.target import Deadlines, Origin


def build(**settings):
    configured = ProviderSettings(**settings)
    return build_upstream(configured, registry.build("p", configured.type), registry.ROWS[configured.type])


def test_defaults_come_from_the_providers_type():
    upstream = build(type="openai")
    assert upstream.target.origin == Origin("https", "api.openai.com", 443)
    assert (upstream.base_path, upstream.zone, upstream.target.zone) == ("/v1", "external", "external")
    assert upstream.deadlines == Deadlines(connect_s=5, first_byte_s=120, idle_s=60, total_s=600)
    assert upstream.target.max_connections == 256


def test_settings_replace_them():
    upstream = build(
        type="openai_compatible",
        base_url="http://vllm.internal:8000/prefix/v1/",
        zone="private",
        connect_timeout_s=1.0,
        first_byte_timeout_s=2.0,
        idle_timeout_s=3.0,
        timeout_s=4.0,
        max_connections=9,
        tls=TlsOptions(ca_file="/ca", client_cert_file="/cert", client_key_file="/key", server_name="name"),
    )
    assert upstream.target.origin == Origin("http", "vllm.internal", 8000)
    assert (upstream.base_path, upstream.zone) == ("/prefix/v1", "private")
    assert upstream.deadlines == Deadlines(connect_s=1, first_byte_s=2, idle_s=3, total_s=4)
    assert upstream.target.max_connections == 9
    tls = upstream.target.tls
    assert tls is not None
    assert (tls.ca_file, tls.client_cert, tls.client_key, tls.server_hostname) == ("/ca", "/cert", "/key", "name")


def test_a_models_timeout_bounds_the_whole_exchange():
    upstream = build(type="ollama")
    assert upstream.deadlines_within(7).total_s == 7
    assert upstream.deadlines_within(None) is upstream.deadlines


def test_an_address_is_needed():
    with pytest.raises(ValueError, match="need a base_url"):
        build(type="openai_compatible")
