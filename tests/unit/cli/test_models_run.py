"""Pinning: what the servers have is compared, told, and written where asked to."""

import json
import stat

import pytest

from kaigate.cli.models_run import run_pin
from kaigate.config.check import check
from kaigate.config.load import load
from kaigate.providers.registry import ROWS
from support.configuration import write
from support.ollama_server import ollama_server

ONE, TWO = "1" * 64, "2" * 64

CONFIG = """\
# Ours.
providers:
  near: {type: ollama, base_url: "URL", api_key: "env:NEAR_KEY"}
  far: {type: openai, api_key: "env:NOBODY_SET_THIS"}
models:
  llama3.2:3b:   # small
    deployments: [{provider: near}]
  good:
    digest: ONE
    deployments:
      - {provider: near, model: good:1}
  moved:
    digest: ONE
    deployments:
      - {provider: near, model: moved:1}
  gone: {deployments: [{provider: near, model: gone:1}, {provider: far, model: gpt-5}]}
  two:
    deployments:
      - provider: far
        model: gpt-5
      - provider: near  # ours
        model: good:1
  gpt-5: {}
  "llama*": {}
keys: {anonymous: {enabled: true}}
limits: {enabled: false}
"""


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NEAR_KEY", "key-of-near")
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "KAIGATE_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    with ollama_server({"llama3.2:3b": ONE, "good:1": ONE, "moved:1": TWO}) as state:
        yield state


@pytest.fixture
def path(tmp_path, server):
    return write(tmp_path, CONFIG.replace("URL", server.url).replace("ONE", ONE))


def told(capsys) -> dict:
    return json.loads(capsys.readouterr().out)


def states(found: dict) -> dict[str, str]:
    return {row["model"]: row["state"] for row in found["models"]}


def run(path, *, write=False, update=False, as_json=True) -> int:
    return run_pin(path, write=write, update=update, as_json=as_json)


def test_every_model_of_an_ollama_server_is_compared(path, server, capsys):
    assert run(path) == 1
    found = told(capsys)
    assert states(found) == {
        "llama3.2:3b": "not pinned",
        "good": "pinned",
        "moved": "drifted",
        "gone": "missing",
        "two": "not pinned",
    }
    assert found["models"][2] == {
        "model": "moved",
        "provider": "near",
        "upstream_model": "moved:1",
        "state": "drifted",
        "pinned": ONE,
        "reported": TWO,
        "place": "models.moved.digest",
    }
    assert (found["written"], found["unreachable"]) == ([], {})
    assert [each["authorization"] for each in server.headers] == ["Bearer key-of-near"]


def test_nothing_is_written_without_being_asked_to(path, capsys):
    before = path.read_bytes()
    run(path, as_json=False)
    assert path.read_bytes() == before
    out = capsys.readouterr().out
    assert f'models["llama3.2:3b"].digest: sha256:{ONE}' in out
    assert f"models.two.deployments[1].digest: sha256:{ONE}" in out
    assert "drifted" in out


def test_writing_pins_what_is_not_pinned_and_leaves_what_drifted(path, capsys):
    path.chmod(0o640)
    before = path.read_text()
    assert run(path, write=True) == 1
    assert told(capsys)["written"] == ['models["llama3.2:3b"].digest', "models.two.deployments[1].digest"]
    after = path.read_text()
    assert set(before.splitlines()) - set(after.splitlines()) == {"      - provider: near  # ours"}
    assert after.count(TWO) == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [item.name for item in path.parent.iterdir()] == [path.name]
    env = {"NEAR_KEY": "k", "NOBODY_SET_THIS": "k"}
    models = check(load(path, env), ROWS).config.models
    assert models["llama3.2:3b"].digest == f"sha256:{ONE}"
    assert [item.digest for item in models["two"].deployments] == [None, f"sha256:{ONE}"]


def test_updating_replaces_what_drifted(path, server, capsys):
    server.models["gone:1"] = ONE
    assert run(path, write=True, update=True) == 0
    capsys.readouterr()
    assert run(path) == 0
    assert set(states(told(capsys)).values()) == {"pinned"}


def test_a_server_that_cannot_be_asked_is_told(path, server, capsys):
    server.status = 500
    assert run(path) == 1
    found = told(capsys)
    assert set(states(found).values()) == {"unreachable"}
    assert "500" in found["unreachable"]["near"]
    assert run(path, write=True, as_json=False) == 1
    assert "500" in capsys.readouterr().err


def test_nobody_listens(tmp_path, capsys, server):
    path = write(tmp_path, CONFIG.replace("URL", "http://127.0.0.1:9").replace("ONE", ONE))
    assert run(path) == 1
    assert "could not be asked" in told(capsys)["unreachable"]["near"]


def test_a_file_that_cannot_be_edited_is_left_and_the_lines_are_shown(tmp_path, server, capsys):
    text = CONFIG.replace("URL", server.url).replace("ONE", ONE)
    text = text.replace("gpt-5: {}", "x: &same {deployments: [{provider: near, model: good:1}]}\n  y: *same")
    path = write(tmp_path, text)
    assert run(path, write=True, as_json=False) == 1
    shown = capsys.readouterr()
    assert "by hand" in shown.err
    assert f"models.x.digest: sha256:{ONE}" in shown.out
    assert path.read_text() == text


def test_a_bad_configuration_is_refused(tmp_path, capsys):
    assert run(write(tmp_path, "models: {m: {digest: short}}")) == 1
    assert "digest" in capsys.readouterr().err


def test_a_link_stays_a_link(path, tmp_path, capsys):
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    run(link, write=True)
    assert link.is_symlink()
    assert told(capsys)["written"]
    assert path.read_text().count("digest") > CONFIG.count("digest")
