"""The ceilings that the configuration gives a model reach the Ollama server that loads it."""

import msgspec
import pytest

from kaigate.chat.content import Message, TextBlock
from kaigate.chat.request import ChatRequest
from kaigate.config.models import DeploymentSettings, GatewayConfig, ModelSettings, ProviderSettings
from kaigate.providers import registry
from kaigate.routing.catalogue import Catalogue
from kaigate.routing.upstream import build_upstream

PROVIDERS = {"local": ProviderSettings(type="ollama")}
REQUEST = ChatRequest("m", (Message("user", (TextBlock("Hi"),)),))


@pytest.mark.parametrize(
    ("settings", "num_ctx"),
    [
        (ModelSettings(deployments=(DeploymentSettings(provider="local"),)), None),
        (ModelSettings(deployments=(DeploymentSettings(provider="local"),), max_input_tokens=600, max_tokens=200), 800),
        (ModelSettings(deployments=(DeploymentSettings(provider="local"),), context_tokens=4096), 4096),
        (
            ModelSettings(deployments=(DeploymentSettings(provider="local", context_tokens=512),), context_tokens=4096),
            512,
        ),
    ],
)
def test_the_window_of_a_model_is_sent(settings: ModelSettings, num_ctx: int | None) -> None:
    built = {
        name: build_upstream(item, registry.build(name, item.type), registry.ROWS[item.type])
        for name, item in PROVIDERS.items()
    }
    catalogue = Catalogue.build(GatewayConfig(providers=PROVIDERS, models={"m:1b": settings}), built)
    (deployment,) = catalogue.resolve("m:1b").deployments
    call = deployment.provider.encode(REQUEST, model=deployment.model, max_output_tokens=5)
    assert msgspec.json.decode(call.body)["options"].get("num_ctx") == num_ctx
    assert deployment.provider.name == "local"
