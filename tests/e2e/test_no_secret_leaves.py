"""After a full run no output of the gateway holds a key, a prompt, or a secret that it redacted."""

import http.client
import json
import secrets
from contextlib import closing
from pathlib import Path

import pytest

from support.gateway_process import running_gateway
from support.model_server import ModelServer

AWS_KEY = "AKIA" + "KAIGATEDEMO23456"


@pytest.fixture(scope="module")
def canaries() -> dict[str, str]:
    """Texts that appear nowhere else, by what they are."""
    return {
        "client key": f"kg-canary-{secrets.token_hex(16)}",
        "master key": f"kg-canary-{secrets.token_hex(16)}",
        "wrong key": f"kg-canary-{secrets.token_hex(16)}",
        "upstream key": f"sk-canary-{secrets.token_hex(16)}",
        "prompt": f"canary{secrets.token_hex(8)}",
    }


def test_every_output_is_free_of_secrets(model_server: ModelServer, canaries: dict[str, str], tmp_path: Path) -> None:
    config = {
        "providers": {
            "local": {"type": "llamacpp", "base_url": model_server.base_url, "api_key": "env:UPSTREAM"},
            "broken": {"type": "llamacpp", "base_url": "http://127.0.0.1:9/v1", "api_key": "env:UPSTREAM"},
        },
        "models": {
            model_server.model: {"deployments": [{"provider": "broken"}, {"provider": "local"}]},
            "unreachable": {"deployments": [{"provider": "broken"}]},
        },
        "keys": {"static": {"app": {"key": "env:CLIENT"}}, "master_key": "env:MASTER"},
        "telemetry": {"log_level": "debug"},
    }
    environment = {
        "UPSTREAM": canaries["upstream key"],
        "CLIENT": canaries["client key"],
        "MASTER": canaries["master key"],
    }
    outputs: list[str] = []

    def fetch(url: str, key: str, body: object = None) -> str:
        host, _, path = url.removeprefix("http://").partition("/")
        connection = http.client.HTTPConnection(host, timeout=60)
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        with closing(connection):
            if body is None:
                connection.request("GET", f"/{path}", headers=headers)
            else:
                connection.request("POST", f"/{path}", json.dumps(body), headers)
            response = connection.getresponse()
            return f"{response.status} {response.getheaders()} {response.read().decode()}"

    def ask(text: str, *, key: str = canaries["client key"], model: str = model_server.model, **more: object) -> str:
        messages = [
            {"role": "user", "content": "Say: The AWS key is red."},
            {"role": "assistant", "content": "The AWS key is red."},
            {"role": "user", "content": text},
        ]
        body = {"model": model, "messages": messages, "temperature": 0, "max_tokens": 40, **more}
        return fetch(f"{gateway.base_url}/chat/completions", key, body)

    with running_gateway(config, tmp_path, env=environment) as gateway:
        for stream in (False, True):
            answer = ask(f"Say: The AWS key is {AWS_KEY}.", stream=stream)
            assert "[REDACTED_AWS_KEY]" in answer
            outputs.append(answer)
        outputs += [
            ask(canaries["prompt"], key=canaries["wrong key"]),
            ask(canaries["prompt"], model="unreachable"),
            ask(canaries["prompt"], model=canaries["prompt"]),
            ask(canaries["prompt"], temperature=canaries["prompt"]),
            ask(canaries["prompt"], tools=[{"type": canaries["prompt"]}]),
        ]
        for path in ("/config", "/providers", "/settings", "/v1/models", "/nothing"):
            outputs.append(fetch(f"{gateway.url}{path}", canaries["master key"]))
        outputs.append(fetch(f"{gateway.ops_url}/metrics", ""))
        outputs.append(fetch(f"{gateway.admin_url}/openapi.json", ""))
    outputs.append(gateway.log())
    for output in outputs:
        assert AWS_KEY not in output
        for kind, canary in canaries.items():
            assert canary not in output, f"{kind} in: {output[:2000]}"
    assert '"redactions":{"aws_key":1}' in gateway.log(), "the run did what it should"
