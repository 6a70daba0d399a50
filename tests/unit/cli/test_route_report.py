"""Routes are explained for keys of the configuration and of the database."""

import asyncio
import json

import pytest

from kaigate.cli.keys_open import OPERATOR, with_service
from kaigate.cli.route_report import Question, report_route
from kaigate.keys.record import KeyChange
from support.configuration import write
from support.ollama_server import ollama_server

CONFIG = """\
providers: {near: {type: ollama}, far: {type: openai}}
models: {m: {deployments: [{provider: far, model: gpt-5}, {provider: near, model: llama3}]}}
store: {data_dir: DATA}
"""


def question(**given):
    said = {"model": "m", "key": None, "max_cost_usd": None, "needs": (), "private": False}
    return Question.of(**{**said, "input_tokens": 10, "output_tokens": 10, **given})


@pytest.fixture
def path(tmp_path):
    return write(tmp_path, CONFIG.replace("DATA", str(tmp_path / "data")))


def test_a_virtual_key_is_asked_by_its_id(path, capsys):
    made = []

    async def create(service):
        made.append(await service.create(OPERATOR, "n", KeyChange(providers=("near",))))
        return 0

    assert with_service(path, create) == 0
    assert report_route(path, question(key=made[0].record.key_id), as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert [item["kind"] for item in told["excluded"]] == ["provider"]


def test_an_unknown_key_is_refused(path, capsys):
    assert report_route(path, question(key="nobody"), as_json=True) == 1
    assert capsys.readouterr().err


def test_a_bad_configuration_is_told(tmp_path, capsys):
    assert report_route(write(tmp_path, "models: {m: {fallbacks: [m]}}"), question(), as_json=False) == 1
    assert "configuration refused" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("digest", "expected"), [("1" * 64, ([], None)), ("2" * 64, (["digest"], "model_digest_mismatch"))]
)
def test_a_pinned_model_is_explained_as_its_server_reports(tmp_path, monkeypatch, capsys, digest, expected):
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    with ollama_server({"llama3": "1" * 64}) as server:
        text = f"""\
            providers: {{near: {{type: ollama, base_url: "{server.url}"}}}}
            models: {{m: {{digest: "{digest}", deployments: [{{provider: near, model: llama3}}]}}}}
            """
        exit_code = report_route(write(tmp_path, text), question(), as_json=True)
    told = json.loads(capsys.readouterr().out)
    refused = told["refused"] and told["refused"]["code"]
    assert ([item["kind"] for item in told["excluded"]], refused) == expected
    assert exit_code == int(refused is not None)


def test_no_loop_is_left(path):
    report_route(path, question(), as_json=True)
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
