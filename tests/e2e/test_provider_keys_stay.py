"""No provider's key leaves the gateway, by whatever way its upstream throws it back."""

import base64
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from support.dialects import DIALECTS
from support.echoing_upstream import WAYS, echoing_upstream
from support.gateway_process import KEY, KEY_VARIABLE, GatewayProcess, running_gateway

MASTER = "kg-master-" + "0123456789abcdef" * 2
MODELS = {
    "by-openai": {"provider": "openai"},
    "by-anthropic": {"provider": "anthropic"},
    "by-keys": {"provider": "keys", "model": "anthropic.claude-3-5-sonnet-20240620-v1:0"},
    "by-bearer": {"provider": "bearer", "model": "anthropic.claude-3-5-sonnet-20240620-v1:0"},
    "by-ollama": {"provider": "ollama"},
}
EMBEDDINGS = {"/v1/embeddings": "input", "/api/embed": "input", "/api/embeddings": "prompt"}
PATHS = ("chat/completions", "messages", "converse", "converse-stream", "chat", "embeddings", "embed")
COMMANDS = (
    ("config", "check"),
    ("config", "show"),
    ("route", "egress"),
    ("route", "explain", "--model", "by-keys", "--json"),
)


def canaries() -> dict[str, str]:
    """By the variable that holds it, a key in its vendor's form; each has 32 random characters of its own."""
    forms = {
        "OPENAI": "sk-proj-{}",
        "ANTHROPIC": "sk-ant-api03-{}",
        "AWS_ID": "ASIA{}",
        "AWS_SECRET": "{}/+{}",
        "AWS_TOKEN": "IQoJb3JpZ2luX2VjE{}+/=",
        "BEDROCK": "ABSKQmVkcm9ja0FQSUtleS{}=",
        "OLLAMA": "{}",
    }
    return {
        f"CANARY_{name}": form.format(*(secrets.token_hex(16).upper() for _ in "ab")) for name, form in forms.items()
    }


def configured(port: int, folder: Path) -> dict[str, object]:
    """Every format, each with a key of its own, before the same upstream."""
    url = f"http://127.0.0.1:{port}"
    aws = {"region": "eu-west-1"}
    keys = {
        "access_key_id": "env:CANARY_AWS_ID",
        "secret_access_key": "env:CANARY_AWS_SECRET",
        "session_token": "env:CANARY_AWS_TOKEN",
    }
    return {
        "providers": {
            "openai": {"type": "openai_compatible", "base_url": f"{url}/v1", "api_key": "env:CANARY_OPENAI"},
            "anthropic": {"type": "anthropic", "base_url": url, "api_key": "env:CANARY_ANTHROPIC"},
            "keys": {"type": "bedrock", "base_url": url, "aws": aws | keys},
            "bearer": {"type": "bedrock", "base_url": url, "aws": aws, "api_key": "env:CANARY_BEDROCK"},
            "ollama": {"type": "ollama", "base_url": url, "api_key": "env:CANARY_OLLAMA"},
        },
        "models": {name: {"deployments": [deployment], "max_tokens": 100} for name, deployment in MODELS.items()},
        # What the gateway keeps to itself must not need to be redacted.
        "guardrails": {"output": {"redaction": {"enabled": False}}},
        "routing": {"retries": {"backoff_s": 0.001, "max_backoff_s": 0.002}, "breaker": {"enabled": False}},
        "limits": {"enabled": True, "allow_unpriced": True, "defaults": {"rpm": 100_000}},
        "keys": {"static": {"app": {"key": f"env:{KEY_VARIABLE}"}}, "master_key": "env:MASTER", "pepper": "env:PEPPER"},
        "store": {"data_dir": str(folder / "data"), "cache_dir": str(folder / "cache")},
        "telemetry": {"log_level": "debug"},
    }


def exchange(url: str, request: str, key: str, body: bytes = b"", headers: str = "") -> bytes:
    """Everything that one connection brings, from the status line to its end."""
    host, port = url.removeprefix("http://").split(":")
    head = f"{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {key}\r\n{headers}"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=30) as connected:
        connected.sendall(head.encode() + body)
        return b"".join(iter(lambda: connected.recv(65_536), b""))


def asked(gateway: GatewayProcess) -> Iterator[bytes]:
    """Every surface, provider and way to answer, in turn streamed and whole; then the surfaces that answer no chat."""
    debug = "x-kaigate-route-debug: true\r\n"
    for model in MODELS:
        for number, way in enumerate(WAYS):
            for other, dialect in enumerate(DIALECTS):
                body = dialect.body(f"way:{way};", stream=(number + other) % 2 == 1, model=model)
                yield exchange(gateway.url, f"POST {dialect.path}", MASTER, body, debug)
            for path, field in EMBEDDINGS.items():
                body = json.dumps({"model": model, field: f"way:{way};"}).encode()
                yield exchange(gateway.url, f"POST {path}", KEY, body)
        body = json.dumps({"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}).encode()
        yield exchange(gateway.url, "POST /v1/messages/count_tokens", KEY, body)
        yield exchange(gateway.url, "POST /api/show", KEY, json.dumps({"model": model}).encode())
        yield exchange(gateway.url, f"GET /v1/models/{model}", KEY)


def looked_at(gateway: GatewayProcess) -> Iterator[bytes]:
    """What can be seen of a gateway with the master key, and its metrics."""
    for path in ("/v1/models", "/api/tags", "/api/ps", "/config", "/providers", "/settings", "/nothing"):
        yield exchange(gateway.url, f"GET {path}", MASTER)
    yield exchange(gateway.ops_url, "GET /metrics", "")
    for path in ("/openapi.json", "/admin/v1/keys", "/admin/v1/teams", "/admin/v1/usage?group_by=model", "/nothing"):
        yield exchange(gateway.admin_url, f"GET {path}", MASTER)


def forms(secret: str) -> Iterator[bytes]:
    """A text as it is, in halves, URL-encoded, in hexadecimal, and in base64 wherever in a longer text it begins."""
    raw = secret.encode()
    yield from (raw, raw.lower(), quote(secret, safe="").encode(), raw.hex().encode())
    # Of its random part a half is enough to be told.
    middle = len(raw) - 20 if len(raw) < 60 else 34
    yield from (raw[middle : middle + 16], raw[middle : middle + 16].lower())
    for before in range(3):
        whole = (len(raw) + before) // 3 * 4
        for alphabet in (base64.b64encode, base64.urlsafe_b64encode):
            yield alphabet(b"x" * before + raw)[4 if before else 0 : whole]


def test_no_key_of_a_provider_is_in_anything_that_is_written(tmp_path: Path) -> None:
    held = canaries()
    environment = {**held, "MASTER": MASTER, "PEPPER": secrets.token_hex(24)}
    written: dict[str, bytes] = {}
    with echoing_upstream() as upstream:
        with running_gateway(configured(upstream.port, tmp_path), tmp_path, env=environment) as gateway:
            answers = list(asked(gateway))
            gateway.send_signal(signal.SIGHUP)
            gateway.config_file.write_text(gateway.config_file.read_text().replace("CANARY_OPENAI", "MISSING"))
            time.sleep(0.2)
            gateway.send_signal(signal.SIGHUP)
            time.sleep(0.5)
            answers += looked_at(gateway)
            gateway.config_file.write_text(gateway.config_file.read_text().replace("MISSING", "CANARY_OPENAI"))
            kaigate = Path(sys.executable).with_name("kaigate")
            for command in COMMANDS:
                done = subprocess.run(
                    [kaigate, *command, "--config", str(gateway.config_file)],
                    env={**os.environ, **environment, KEY_VARIABLE: KEY},
                    capture_output=True,
                    timeout=30,
                    check=False,
                )
                written[" ".join(command)] = done.stdout + done.stderr
        log = gateway.log()
    written |= {f"answer {number}": answer for number, answer in enumerate(answers)}
    written |= {str(file): file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    # The run did what it should: the upstream had them, and the gateway spoke of every way to fail.
    assert upstream.asked == {(path, way) for path in PATHS for way in WAYS}
    sent = " ".join(upstream.fields)
    assert {name for name, value in held.items() if value not in sent} == {"CANARY_AWS_SECRET"}
    assert {b"200", b"400", b"502", b"503"} <= {answer[9:12] for answer in answers}
    assert any(b"x-kaigate-route:" in answer for answer in answers)
    assert log.count("\n") > len(answers)
    assert any("cache" in name or "data" in name for name in written)
    for name, secret in held.items():
        for form in forms(secret):
            for where, data in written.items():
                assert form not in data, f"{name} in {where}: {data[max(0, data.find(form) - 200) :][:600]!r}"
