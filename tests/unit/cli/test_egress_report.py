"""The list of destinations is what the egress guard admits."""

import json
import os

import pytest

from kaigate.cli.egress_report import report_egress
from support.configuration import write

CONFIG = """\
providers:
  near: {type: vllm, base_url: "http://[::1]:8000/v1"}
  far: {type: openai}
  far2: {type: openai}
keys: {jwt: {jwks: "https://id.example/keys", issuer: "https://id.example", audiences: ["a"]}}
"""


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in (
        "HTTPS_PROXY",
        "https_proxy",
        "NO_PROXY",
        "no_proxy",
        *(name for name in os.environ if name[:4] == "AWS_"),
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/none")


def listed(capsys) -> list[tuple]:
    told = json.loads(capsys.readouterr().out)["destinations"]
    return [(item["zone"], item["host"], item["port"], item["purpose"], item["used_by"]) for item in told]


def test_every_destination_is_listed_once(tmp_path, capsys):
    assert report_egress(write(tmp_path, CONFIG), as_json=True) == 0
    assert listed(capsys) == [
        ("external", "api.openai.com", 443, "provider", ["far", "far2"]),
        ("external", "id.example", 443, "key set", ["keys.jwt"]),
        ("private", "::1", 8000, "provider", ["near"]),
    ]


def test_people_get_a_table(tmp_path, capsys):
    assert report_egress(write(tmp_path, CONFIG), as_json=False) == 0
    assert "api.openai.com" in capsys.readouterr().out


def test_a_proxy_is_a_destination_of_external_providers(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://user:canary-secret@proxy.example:3128")
    assert report_egress(write(tmp_path, CONFIG), as_json=True) == 0
    output = capsys.readouterr().out
    assert "canary" not in output
    assert {
        "zone": "external",
        "host": "proxy.example",
        "port": 3128,
        "purpose": "proxy",
        "used_by": ["far", "far2"],
    } in (json.loads(output)["destinations"])


@pytest.mark.parametrize("proxy", ["ftp://x", "http://other.example"])
def test_a_proxy_that_cannot_be_used_is_told(tmp_path, capsys, monkeypatch, proxy):
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    text = CONFIG + "routing: {proxy_hosts: [proxy.example]}\n"
    assert report_egress(write(tmp_path, text), as_json=True) == 1
    assert "proxy" in capsys.readouterr().err.lower()


BEDROCK = """\
providers:
  one: {type: bedrock, aws: {region: eu-west-1}}
  two: {type: bedrock, aws: {region: eu-west-1, access_key_id: "env:NONE", secret_access_key: "env:NONE"}}
"""


def test_what_hands_out_credentials_is_a_destination(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/none/token")
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/r")
    assert report_egress(write(tmp_path, BEDROCK), as_json=True) == 0
    assert listed(capsys) == [
        ("external", "bedrock-runtime.eu-west-1.amazonaws.com", 443, "provider", ["one", "two"]),
        ("external", "sts.eu-west-1.amazonaws.com", 443, "credentials", ["one"]),
    ]


def test_a_provider_without_credentials_here_is_told_of(tmp_path, capsys):
    assert report_egress(write(tmp_path, BEDROCK), as_json=True) == 0
    output = capsys.readouterr()
    assert len(json.loads(output.out)["destinations"]) == 1
    assert "not listed: " in output.err
    assert "providers.one: no AWS credentials were found" in output.err
    assert "providers.two" not in output.err
