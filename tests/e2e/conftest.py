"""One model server and one gateway in front of it for all end-to-end tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.gateway_process import KEY, GatewayProcess, running_gateway
from support.model_server import ModelServer, running_model_server


@pytest.fixture(scope="session")
def model_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    """llama.cpp with SmolLM2."""
    with running_model_server(tmp_path_factory.mktemp("model-server")) as server:
        yield server


@pytest.fixture(scope="session")
def gateway(model_server: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """kaigate with the real model as its only one, and the key `KEY`."""
    with running_gateway(gateway_config(model_server), tmp_path_factory.mktemp("gateway")) as running:
        yield running


@pytest.fixture(scope="session")
def client_environment(gateway: GatewayProcess, model_server: ModelServer) -> dict[str, str]:
    """What the client programs of other languages are told."""
    return {"BASE_URL": gateway.base_url, "API_KEY": KEY, "MODEL": model_server.model}


def gateway_config(model_server: ModelServer) -> dict[str, object]:
    """The content of gateway.yaml."""
    return {
        "providers": {"local": {"type": "llamacpp", "base_url": model_server.base_url}},
        "models": {
            model_server.model: {
                "deployments": [{"provider": "local", "model": model_server.model}],
                "aliases": ["small"],
                "max_tokens": 200,
                "max_input_tokens": 2000,
            }
        },
    }


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout's root."""
    return Path(__file__).parents[2]
