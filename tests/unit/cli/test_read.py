import os
import socket

import pytest

from kaigate.cli import read
from kaigate.cli.read import find
from kaigate.config.problems import ConfigError
from support.configuration import write


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch):
    aws = [name for name in os.environ if name.startswith("AWS_")]
    for name in ("KAIGATE_CONFIG", "KAIGATE_MASTER_KEY", "OLLAMA_HOST", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", *aws):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/none")


@pytest.fixture
def local_port(monkeypatch) -> int:
    """A free loopback port that stands in for Ollama's."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    monkeypatch.setattr(read, "OLLAMA_PORT", port)
    return port


def test_the_option_wins_over_the_environment(tmp_path, monkeypatch):
    option, other = write(tmp_path, "server: {port: 1}\n", "a.yaml"), write(tmp_path, "server: {port: 2}\n", "b.yaml")
    monkeypatch.setenv("KAIGATE_CONFIG", str(other))
    assert find(option).loaded.config.server.port == 1
    found = find(None)
    assert (found.path, found.generated_key, found.loaded.config.server.port) == (other, None, 2)


def test_an_ollama_on_this_machine_is_found(local_port):
    with socket.create_server(("127.0.0.1", local_port)):
        assert list(find(None).loaded.config.providers) == ["ollama"]


def test_nothing_found_is_an_error(local_port):
    with pytest.raises(ConfigError, match="no provider found"):
        find(None)


def test_a_named_ollama_is_not_probed(monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", "ollama.internal")
    monkeypatch.setattr(read, "_answers", lambda *where: pytest.fail("probed"))
    assert find(None).loaded.config.providers["ollama"].base_url == "http://ollama.internal:11434"


def test_aws_credentials_that_can_be_used_give_bedrock(local_port, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-secret")
    loaded = find(None).loaded
    assert (list(loaded.config.providers), loaded.warnings) == (["bedrock"], ())


def test_aws_credentials_that_cannot_be_used_leave_the_others(local_port, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-" + "o" * 20)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_PROFILE", "absent")
    loaded = find(None).loaded
    assert list(loaded.config.providers) == ["openai"]
    assert "the AWS profile absent is in neither" in loaded.warnings[0]


def test_a_bedrock_api_key_needs_no_other_credentials(local_port, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_PROFILE", "absent")
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key")
    assert list(find(None).loaded.config.providers) == ["bedrock"]
