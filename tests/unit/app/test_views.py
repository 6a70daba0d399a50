"""What informative routes show."""

import msgspec
import pytest

from kaigate.app.views import MAX_SHOWN, known_to_ollama, provider_health, views
from kaigate.clock import SystemClock
from kaigate.config.routing_settings import BreakerSettings
from kaigate.errors import GatewayError
from kaigate.pipeline.plan import ModelEntry, Pin
from kaigate.pipeline.principal import Principal
from kaigate.routing.catalogue import Catalogue
from kaigate.routing.health import HealthBook
from kaigate.transport.egress import EgressGuard
from kaigate.transport.http import HttpClient
from support.app_snapshot import KEY, loaded_from, upstreams_of
from support.exchanges import deployment


@pytest.fixture
def shown(tmp_path):
    loaded = loaded_from(tmp_path, models={"other": {"deployments": [{"provider": "up"}]}})
    catalogue = Catalogue.build(loaded.config, upstreams_of(loaded))
    return views(loaded, catalogue, HttpClient(guard=EgressGuard(())), 1234, health=HealthBook(SystemClock()))


ANYONE = Principal("k", "anyone")


def test_models_are_those_of_the_caller(shown):
    listed = msgspec.json.decode(shown["models"](ANYONE, ""))["data"]
    assert [(model["id"], model["created"], model["owned_by"]) for model in listed] == [
        ("m", 1234, "up"),
        ("other", 1234, "up"),
    ]
    narrow = Principal("k", "narrow", models=("other",))
    assert [model["id"] for model in msgspec.json.decode(shown["models"](narrow, ""))["data"]] == ["other"]


def test_a_model_that_is_not_yours_looks_like_one_that_is_not_there(shown):
    narrow = Principal("k", "narrow", models=("other",))
    messages = []
    for name in ("m", "nowhere"):
        with pytest.raises(GatewayError) as refused:
            shown["model"](narrow, name)
        messages.append((refused.value.code, refused.value.message))
    assert messages[0] == messages[1]
    assert msgspec.json.decode(shown["model"](narrow, "other"))["id"] == "other"


@pytest.mark.parametrize("name", ["config", "providers", "settings", "models"])
def test_no_view_shows_a_secret(shown, name):
    assert KEY.encode() not in shown[name](ANYONE, "")


def test_ollamas_clients_see_the_models_of_the_caller(shown):
    narrow = Principal("k", "narrow", models=("other",))
    for view in ("ollama_tags", "ollama_ps"):
        assert [model["name"] for model in msgspec.json.decode(shown[view](ANYONE, ""))["models"]] == ["m", "other"]
        assert [model["name"] for model in msgspec.json.decode(shown[view](narrow, ""))["models"]] == ["other"]
    assert msgspec.json.decode(shown["ollama_show"](narrow, "other"))["capabilities"]
    for name in ("m", "nowhere"):
        with pytest.raises(GatewayError) as refused:
            shown["ollama_show"](narrow, name)
        assert refused.value.code == "model_not_found"


def test_a_model_is_described_to_ollamas_clients_by_its_weakest_and_its_pinned_deployment():
    small = msgspec.structs.replace(deployment(), context_tokens=1000, lacks=frozenset({"vision", "tools"}))
    pinned = msgspec.structs.replace(
        deployment("second"), context_tokens=2000, lacks=frozenset({"vision"}), pin=Pin("http://x", "m", "abc")
    )
    known = known_to_ollama("m", ModelEntry("m", "m", (small, pinned)), 7)
    assert (known.context_tokens, known.digest, known.modified) == (1000, "abc", 7)
    assert known.capabilities == ("completion", "tools", "thinking")
    plain = known_to_ollama("m", ModelEntry("m", "m", (deployment(),)), 7)
    assert (plain.context_tokens, plain.digest) == (None, "")
    assert plain.capabilities == ("completion", "tools", "vision", "thinking")


def test_nobody_manages_models_here(shown):
    with pytest.raises(GatewayError) as refused:
        shown["ollama_management"](ANYONE, "")
    assert refused.value.code == "route_not_allowed"


def test_providers_come_with_their_connections(shown):
    view = msgspec.json.decode(shown["providers"](ANYONE, ""))
    assert set(view) == {"providers", "connections"}
    assert "up" in str(view["providers"])


def test_the_configuration_comes_with_its_hash(shown, tmp_path):
    assert msgspec.json.decode(shown["config"](ANYONE, ""))["hash"]


def test_a_providers_health_is_shown_those_in_trouble_first_and_no_more_than_some():
    health = HealthBook(SystemClock(), BreakerSettings(failures=1))
    for number in range(MAX_SHOWN + 5):
        health.succeeded(deployment(model=f"m{number}"), 0.5, stream=True)
    health.failed(deployment(model="bad"))
    health.failed(deployment("another"))
    health.checked("local", well=False)
    shown = provider_health("local", health)
    assert (shown["up"], len(shown["deployments"])) == (False, MAX_SHOWN)
    assert [each["state"] for each in shown["deployments"][:2]] == ["open", "closed"]
    assert {each["provider"] for each in shown["deployments"]} == {"local"}
    assert provider_health("fresh", health) == {"up": True, "deployments": []}
