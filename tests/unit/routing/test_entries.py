"""Entries carry what their configuration says of every deployment."""

from kaigate.money import NANO
from kaigate.pipeline.plan import Pin
from support.routes import PROVIDERS, catalogue_of, config_of, on


def entry(model, **routing):
    providers = {**PROVIDERS, "far": {"type": "openai", "block_parts": ["document"]}}
    zones = {"external": {"block_parts": ["audio"]}}
    return catalogue_of(config_of({"m": model}, providers, zones=zones, **routing)).resolve("m")


def test_a_deployment_inherits_from_its_model_and_may_differ():
    model = on("far/a", "near/b", context_tokens=100, capabilities={"tools": False}, max_tokens=5)
    model["deployments"][1] |= {"context_tokens": 50, "capabilities": {"vision": False}, "weight": 3, "order": 2}
    far, near = entry(model).deployments
    assert (far.context_tokens, far.lacks, far.weight, far.order) == (100, {"tools"}, 1, 0)
    assert (near.context_tokens, near.lacks, near.weight, near.order) == (50, {"vision"}, 3, 2)
    assert (far.max_tokens, far.name, far.label) == (5, "far/a", "m")


def test_parts_are_blocked_by_provider_and_zone():
    far, near = entry(on("far/a", "near/b")).deployments
    assert (far.blocks, near.blocks) == ({"document", "audio"}, set())


def test_the_lower_ceiling_of_cost_holds():
    assert entry(on("far/a")).max_cost is None
    assert entry(on("far/a", max_cost_usd=0.5), max_cost_usd=0.25).max_cost == NANO // 4
    assert entry(on("far/a", max_cost_usd=0.0)).max_cost == 0


def test_an_entry_without_deployments_is_routed_by_its_prefix():
    assert [item.provider.name for item in catalogue_of(config_of({"gpt-5": {}})).resolve("gpt-5").deployments] == [
        "far"
    ]


def test_a_pin_is_the_deployments_own_or_the_models():
    models = {
        "llama3.2": {"digest": "sha256:" + "a" * 64},
        "m": {
            "digest": "b" * 64,
            "deployments": [{"provider": "near"}, {"provider": "near", "model": "X:1", "digest": "c" * 64}],
        },
        "plain": on("far/a"),
    }
    catalogue = catalogue_of(config_of(models))
    pins = [item.pin for name in models for item in catalogue.resolve(name).deployments]
    here = "http://127.0.0.1:11434"
    assert pins == [
        Pin(here, "llama3.2:latest", "a" * 64),
        Pin(here, "m:latest", "b" * 64),
        Pin(here, "x:1", "c" * 64),
        None,
    ]
