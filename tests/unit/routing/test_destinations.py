"""Destinations are what the egress guard of the same configuration admits."""

from kaigate.app.assemble import upstreams
from kaigate.routing.destinations import destinations
from kaigate.transport.proxy import ProxyPolicy
from support.app_snapshot import loaded_from


def test_destinations_are_the_providers_and_what_hands_out_their_credentials(tmp_path):
    loaded = loaded_from(tmp_path, providers={"far": {"type": "openai", "base_url": None, "zone": None}})
    found = destinations(
        upstreams(loaded), ProxyPolicy(), key_set=("id.example", 443), credentials=[("far", "sts.example", 443)]
    )
    assert [(item.zone, item.host, item.port, item.purpose, item.used_by) for item in found] == [
        ("external", "api.openai.com", 443, "provider", ("far",)),
        ("external", "id.example", 443, "key set", ("keys.jwt",)),
        ("external", "sts.example", 443, "credentials", ("far",)),
        ("private", "127.0.0.1", 9, "provider", ("up",)),
    ]
