"""Pinned models in a real process: checked at the start, periodically, and after a reload."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest
import yaml

from support.gateway_process import KEY, GatewayProcess, running_gateway
from support.ollama_server import OllamaServer, ollama_server

ONE, TWO = "1" * 64, "2" * 64
PATIENCE_S = 10.0


@pytest.fixture
def ollama() -> Iterator[OllamaServer]:
    with ollama_server({"m:1": ONE}) as server:
        yield server


def config(ollama: OllamaServer, digest: str, interval_s: float) -> dict[str, object]:
    return {
        "providers": {"local": {"type": "ollama", "base_url": ollama.url}},
        "models": {"m:1": {"digest": digest, "deployments": [{"provider": "local"}]}},
        "routing": {"digest_checks": {"interval_s": interval_s}, "max_attempts": 1},
        "limits": {"enabled": False},
    }


def code(gateway: GatewayProcess) -> str:
    """The error of a chat; the server lists models only, so that one which is sent there ends otherwise."""
    body = json.dumps({"model": "m:1", "messages": [{"role": "user", "content": "hello"}]}).encode()
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    request = urllib.request.Request(f"{gateway.base_url}/chat/completions", body, headers)
    with pytest.raises(urllib.error.HTTPError) as caught, urllib.request.urlopen(request, timeout=10):
        pass
    with caught.value as answer:
        return str(json.load(answer)["error"]["code"])


def wait_for(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_model_is_sent_to_its_server_while_the_digest_holds(ollama, tmp_path):
    with running_gateway(config(ollama, ONE, 1), tmp_path) as gateway:
        wait_for(lambda: code(gateway) != "model_digest_mismatch")
        ollama.models["m:1"] = TWO
        wait_for(lambda: code(gateway) == "model_digest_mismatch")
        # Lines are written by a thread of their own.
        wait_for(lambda: gateway.log().count("another digest") == 1)


def test_a_reload_is_checked_at_once(ollama, tmp_path):
    with running_gateway(config(ollama, ONE, 3600), tmp_path) as gateway:
        wait_for(lambda: len(ollama.headers) == 1)
        with ollama_server({"m:1": TWO}) as other:
            changed = yaml.safe_load(gateway.config_file.read_text()) | config(other, TWO, 3600)
            gateway.config_file.write_text(yaml.safe_dump(changed))
            wait_for(lambda: len(other.headers) == 1)
            wait_for(lambda: code(gateway) != "model_digest_mismatch")
