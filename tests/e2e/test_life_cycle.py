"""The gateway as a process: starts quickly, reloads, drains, and says why when it can't start."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import yaml

from demo.processes import HOST, free_ports, start, stop, wait_ready
from support.gateway_process import KEY, GatewayProcess, running_gateway
from support.model_server import ModelServer

KAIGATE = str(Path(sys.executable).with_name("kaigate"))
STARTUP_S = 1.5
# The claim is about a machine that does nothing else; tests share two cores.
STARTUP_SLACK = 4

Body = dict[str, object]


@pytest.fixture
def config(model_server: ModelServer) -> Body:
    """One model on the real model server."""
    return {
        "providers": {"local": {"type": "llamacpp", "base_url": model_server.base_url}},
        "models": {model_server.model: {"deployments": [{"provider": "local"}]}},
    }


def story(**more: object) -> Body:
    """A request whose answer takes a while."""
    messages = [{"role": "user", "content": "Tell me a long story about the sea."}]
    return {"model": "smollm2", "messages": messages, "max_tokens": 150, "temperature": 0, **more}


@contextmanager
def sent(
    gateway: GatewayProcess, body: Body | None = None, path: str = "/v1/chat/completions"
) -> Iterator[http.client.HTTPResponse]:
    """The response to a POST of `body`, or to a GET without one."""
    connection = http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=60)
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    with closing(connection):
        connection.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body), headers)
        yield connection.getresponse()


def status(gateway: GatewayProcess, path: str = "/health/readiness", body: Body | None = None) -> int:
    """The status that a request gets."""
    with sent(gateway, body, path) as response:
        return response.status


def eventually(condition: Callable[[], bool], timeout_s: float = 15.0) -> None:
    """Wait for `condition`."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_it_starts_quickly_with_a_cached_pattern_database(config: Body, tmp_path: Path) -> None:
    config |= {"store": {"cache_dir": str(tmp_path / "cache")}}
    with running_gateway(config, tmp_path):
        assert any((tmp_path / "cache").iterdir())
    begun = time.monotonic()
    with running_gateway(config, tmp_path):
        assert time.monotonic() - begun < STARTUP_S * STARTUP_SLACK


def test_a_stream_that_runs_at_sigterm_is_finished(config: Body, tmp_path: Path) -> None:
    with running_gateway(config, tmp_path) as gateway, sent(gateway, story(stream=True)) as response:
        first = response.readline()
        gateway.send_signal(signal.SIGTERM)
        rest = response.read()
        assert first.startswith(b"data: ")
        assert rest.endswith(b"data: [DONE]\n\n")
        assert gateway.wait(10) == 0
        assert '"clean":true' in gateway.log()


def test_after_sigterm_readiness_fails_at_once_and_work_is_refused_after_the_delay(
    config: Body, tmp_path: Path
) -> None:
    config |= {"server": {"drain_delay_s": 1.0}}
    with running_gateway(config, tmp_path) as gateway, sent(gateway, story(stream=True, max_tokens=400)) as running:
        running.readline()
        gateway.send_signal(signal.SIGTERM)
        eventually(lambda: status(gateway) == 503)
        with sent(gateway, path="/v1/models") as during:
            assert during.status == 200
            assert during.getheader("connection") == "close"
        eventually(lambda: status(gateway, "/v1/models") == 503)
        with sent(gateway, path="/v1/models") as refused:
            assert json.loads(refused.read())["error"]["code"] == "draining"
            assert refused.getheader("retry-after") == "1"
        running.read()
        assert gateway.wait(10) == 0


def test_a_second_signal_ends_the_waiting(config: Body, tmp_path: Path) -> None:
    config |= {"server": {"drain_delay_s": 60}}
    with running_gateway(config, tmp_path) as gateway:
        gateway.send_signal(signal.SIGTERM)
        eventually(lambda: status(gateway) == 503)
        gateway.send_signal(signal.SIGINT)
        assert gateway.wait(10) == 0


def test_an_edited_file_is_in_force_and_a_wrong_one_changes_nothing(config: Body, tmp_path: Path) -> None:
    with running_gateway(config, tmp_path) as gateway:

        def outcomes(outcome: str) -> bool:
            connection = http.client.HTTPConnection(gateway.ops_url.removeprefix("http://"), timeout=10)
            with closing(connection):
                connection.request("GET", "/metrics")
                return (
                    f'kaigate_config_reloads_total{{outcome="{outcome}"}} 1.0'
                    in connection.getresponse().read().decode()
                )

        good = gateway.config_file.read_text()
        gateway.config_file.write_text(
            good.replace("smollm2:", "renamed:").replace("provider: local", "provider: local\n      model: smollm2")
        )
        eventually(lambda: status(gateway, "/v1/models/renamed") == 200)
        gateway.config_file.write_text(good.replace("models:", "modles:"))
        eventually(lambda: outcomes("rejected"))
        assert status(gateway, "/v1/models/renamed") == 200
        eventually(lambda: 'did you mean \\"models\\"?' in gateway.log())
        gateway.config_file.write_text(good)
        gateway.send_signal(signal.SIGHUP)
        eventually(lambda: status(gateway, "/v1/models/smollm2") == 200)


def test_without_a_file_the_environment_is_a_gateway_and_its_key_is_told_once(tmp_path: Path) -> None:
    port, admin_port, ops_port = free_ports(0, 0, 0)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KAIGATE_", "OLLAMA"))}
    options = (f"--port={port}", f"--admin-port={admin_port}", f"--ops-port={ops_port}")
    child = start(
        "gateway",
        [KAIGATE, "serve", *options],
        log=tmp_path / "log",
        env=environment | {"OPENAI_API_KEY": "sk-none", "XDG_DATA_HOME": str(tmp_path)},
    )
    try:
        wait_ready(child, f"http://{HOST}:{port}/health/readiness", timeout_s=30)
        (line,) = [line for line in child.tail().splitlines() if "kg-" in line]
        key = line.rsplit(" ", 1)[1]
        connection = http.client.HTTPConnection(HOST, port, timeout=10)
        with closing(connection):
            connection.request("GET", "/settings", headers={"Authorization": f"Bearer {key}"})
            assert "gpt-4*" in json.loads(connection.getresponse().read())["models"]
    finally:
        stop(child, grace_s=15)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"modles": {}}, ["gateway.yaml:", 'did you mean "models"?']),
        ({"models": {"m": {"deployments": [{"provider": "nobody"}]}}}, ["nobody", "local"]),
        ({"keys": {"static": {"a": {"key": "kg-literal-secret"}}}}, ["env:NAME"]),
        ({"models": {"llama3:latest": {}}}, [":latest"]),
    ],
    ids=["unknown key", "unknown provider", "literal secret", "moving tag"],
)
def test_a_wrong_configuration_is_refused_with_what_is_wrong(
    config: Body, change: Body, words: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text(yaml.safe_dump(config | change))
    done = subprocess.run([KAIGATE, "serve", "--config", file], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert all(word in done.stderr for word in words), done.stderr
    assert "kg-literal-secret" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_named(config: Body, tmp_path: Path) -> None:
    with running_gateway(config, tmp_path) as gateway:
        port = gateway.url.rsplit(":", 1)[1]
        command = [KAIGATE, "serve", "--config", gateway.config_file, "--port", port]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=os.environ | {"KAIGATE_TEST_KEY": KEY},
        )
        assert done.returncode == 1
        assert port in done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
