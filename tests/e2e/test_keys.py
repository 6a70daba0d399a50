"""The life of a virtual key: made on the command line, used, counted, revoked; the same over HTTP."""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from bench.processes import free_port
from support.gateway_process import KEY, GatewayProcess, running_gateway
from support.identity_provider import AUDIENCE, ISSUER, KEYS, jwk, key_set, token

KAIGATE = Path(sys.executable).with_name("kaigate")
MASTER = "kg-master-" + "9" * 24


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    config = {
        # Nobody answers there: what counts here is who is let in.
        "providers": {
            "up": {"type": "openai_compatible", "base_url": f"http://127.0.0.1:{free_port()}/v1", "zone": "private"}
        },
        "models": {"m": {"deployments": [{"provider": "up"}]}, "other": {"deployments": [{"provider": "up"}]}},
        "limits": {},
    }
    with running_gateway(config, tmp_path, env={"KAIGATE_MASTER_KEY": MASTER}) as running:
        yield running


def ask(url: str, method: str, path: str, key: str, body: Any = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request(method, path, json.dumps(body) if body is not None else None, headers)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, json.loads(data) if data else None


def kaigate(gateway: GatewayProcess, *arguments: str) -> Any:
    done = subprocess.run(
        [KAIGATE, *arguments, "--config", gateway.config_file, "--json"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={
            "XDG_DATA_HOME": str(gateway.config_file.parent / "data"),
            "KAIGATE_TEST_KEY": KEY,
            "HOME": "/nonexistent",
        },
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def models(gateway: GatewayProcess, key: str) -> Any:
    status, body = ask(gateway.url, "GET", "/v1/models", key)
    return [model["id"] for model in body["data"]] if status == 200 else status


def chat(gateway: GatewayProcess, key: str, model: str = "m") -> int:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
    return ask(gateway.url, "POST", "/v1/chat/completions", key, body)[0]


def within(seconds: float, condition: Any) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_a_key_of_the_command_line_is_let_in_counted_and_locked_out_within_two_seconds(gateway):
    made = kaigate(gateway, "keys", "create", "--name", "app", "--models", "m", "--rpm", "2")
    key = made["key"]
    assert key.startswith("kg-")
    assert models(gateway, key) == ["m"]
    assert chat(gateway, key, "other") == 403
    assert [chat(gateway, key) for _ in range(3)] == [502, 502, 429]
    kaigate(gateway, "keys", "revoke", made["key_id"])
    assert within(2.0, lambda: models(gateway, key) == 401)


def test_administration_over_http_makes_keys_that_work_at_once_and_reports_their_use(gateway):
    status, made = ask(gateway.admin_url, "POST", "/admin/v1/keys", MASTER, {"name": "svc"})
    assert status == 201
    assert chat(gateway, made["key"]) == 502
    status, listed = ask(gateway.admin_url, "GET", "/admin/v1/keys", MASTER)
    assert status == 200
    assert made["key"] not in json.dumps(listed)

    def counted() -> bool:
        status, report = ask(gateway.admin_url, "GET", "/admin/v1/usage?group_by=key", MASTER)
        return status == 200 and report["totals"]["requests"] == 1

    assert within(5.0, counted)
    assert ask(gateway.admin_url, "POST", f"/admin/v1/keys/{made['key_id']}/revoke", MASTER)[0] == 200
    assert within(2.0, lambda: models(gateway, made["key"]) == 401)


def test_a_token_of_the_identity_provider_administers_and_its_grants_end_with_it(tmp_path):
    (tmp_path / "jwks.json").write_bytes(key_set(jwk(KEYS["ES256"], "ES256")))
    jwt = {
        "issuer": ISSUER,
        "audiences": [AUDIENCE],
        "jwks": f"file:{tmp_path / 'jwks.json'}",
        "claims": {"role": "groups"},
        "roles": {"admins": "admin"},
    }
    up = {"type": "openai_compatible", "base_url": f"http://127.0.0.1:{free_port()}/v1", "zone": "private"}
    listed = {"m": {"deployments": [{"provider": "up"}]}}
    config = {"providers": {"up": up}, "models": listed, "keys": {"jwt": jwt}, "limits": {}}
    with running_gateway(config, tmp_path) as gateway:
        admin, user = (token("ES256", groups=groups).decode() for groups in (["admins"], ["staff"]))
        status, made = ask(gateway.admin_url, "POST", "/admin/v1/keys", admin, {"name": "svc"})
        assert (status, made["expires_at"] is not None) == (201, True)
        assert models(gateway, made["key"]) == ["m"]
        assert ask(gateway.admin_url, "POST", "/admin/v1/keys", user, {"name": "svc"})[0] == 403
        assert ask(gateway.admin_url, "GET", "/admin/v1/keys", token("ES256", exp=1).decode())[0] == 401
        assert admin not in gateway.log()


def test_an_ordinary_key_administers_nothing(gateway):
    for path in ("/admin/v1/keys", "/admin/v1/teams", "/admin/v1/usage"):
        status, body = ask(gateway.admin_url, "GET", path, KEY)
        assert (status, body["error"]["code"]) == (403, "route_not_allowed")
        status, body = ask(gateway.admin_url, "GET", path, "kg-" + "x" * 43)
        assert (status, body["error"]["code"]) == (401, "invalid_api_key")


def test_the_description_of_the_administration_port_has_its_own_routes_too(gateway):
    status, described = ask(gateway.admin_url, "GET", "/openapi.json", MASTER)
    assert status == 200
    assert {"/v1/chat/completions", "/admin/v1/keys", "/admin/v1/usage"} <= set(described["paths"])


def test_a_key_reaches_only_its_providers_and_tools(gateway):
    made = kaigate(gateway, "keys", "create", "--name", "narrow", "--tools", "read_*")
    tools = [{"type": "function", "function": {"name": name}} for name in ("read_file", "delete_file")]
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "tools": tools}
    status, answer = ask(gateway.url, "POST", "/v1/chat/completions", made["key"], body)
    assert (status, answer["error"]["code"]) == (403, "tool_not_allowed")
    assert answer["error"]["param"] == "tools[1].function.name"
    status, answer = ask(gateway.url, "POST", "/v1/chat/completions", made["key"], {**body, "tools": tools[:1]})
    assert status == 502
    status, made = ask(gateway.admin_url, "POST", "/admin/v1/keys", MASTER, {"name": "far", "providers": ["elsewhere"]})
    assert status == 201
    body.pop("tools")
    status, answer = ask(gateway.url, "POST", "/v1/chat/completions", made["key"], body)
    assert (status, answer["error"]["code"]) == (403, "model_not_allowed")
