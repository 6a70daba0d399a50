"""Servers are asked with their own secrets, and no other secret is read."""

import pytest

from kaigate.cli.ollama_servers import ask, read
from support.configuration import write
from support.ollama_server import ollama_server

ONE = "1" * 64


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


def test_every_ollama_server_is_asked_and_others_are_not(tmp_path):
    with ollama_server({"m": ONE}) as one, ollama_server({}) as two:
        text = f"""\
            providers:
              a: {{type: ollama, base_url: "{one.url}", api_key: "env:NOT_SET_ANYWHERE"}}
              b: {{type: ollama, base_url: "{two.url}"}}
              c: {{type: openai, api_key: "file:/nowhere/at/all"}}
            """
        path = write(tmp_path, text)
        loaded, file = read(path)
        found = ask(loaded)
    assert file == path
    assert {name: item.digests for name, item in found.items()} == {"a": {"m:latest": ONE}, "b": {}}
    assert all(item.error is None for item in found.values())


def test_a_redirect_or_an_error_is_no_list(tmp_path):
    with ollama_server({"m": ONE}) as server:
        server.status = 302
        loaded, _ = read(write(tmp_path, f'providers: {{a: {{type: ollama, base_url: "{server.url}"}}}}'))
        assert "302" in (ask(loaded)["a"].error or "")
