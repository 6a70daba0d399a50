import json
import sqlite3

import pytest
from typer.testing import CliRunner

from kaigate.cli.keys import app
from support.configuration import write


@pytest.fixture
def run(tmp_path, monkeypatch):
    for name in ("KAIGATE_CONFIG", "KAIGATE_DATABASE_URL", "KAIGATE_MASTER_KEY", "KAIGATE_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return lambda line: CliRunner().invoke(app, line.split())


def test_a_key_is_printed_once_and_listed_without_its_secret(run, tmp_path):
    line = "create --name app --models a,b --rpm 60 --tpm 100000 --parallel 5 --budget-usd 10 --budget-window 30d"
    made = run(f"{line} --private-only --tools x,y --expires 90d --json")
    assert made.exit_code == 0, made.output
    key = json.loads(made.stdout)
    secret = key.pop("key")
    assert secret.startswith("kg-")
    assert (key["models"], key["tools"], key["private_only"]) == (["a", "b"], ["x", "y"], True)
    limits = {"rpm": 60, "tpm": 100_000, "parallel": 5, "budget_usd": "10", "budget_window": "30d"}
    assert key["limits"] == {**limits, "max_input_tokens": None}
    listed = run("list --json")
    assert json.loads(listed.stdout) == {"keys": [key]}
    assert secret not in run("list").stdout
    assert secret.encode() not in (tmp_path / "kaigate" / "kaigate.db").read_bytes()


def test_a_key_goes_its_way(run):
    first = run("create --name app --models [ab]*").stdout.split()[0]
    second = run("rotate app --overlap 60").stdout.split()[0]
    assert first.startswith("kg-")
    assert second.startswith("kg-")
    assert first != second
    changed = json.loads(run("update app --rpm -1 --no-private-only --budget-usd -1 --json").stdout)
    assert (changed["limits"]["rpm"], changed["limits"]["budget_usd"]) == (-1, "-1")
    assert changed["models"] == ["[ab]*"]
    assert "[ab]*" in run("list").stdout
    assert run("revoke app").exit_code == 0
    assert json.loads(run("list --json").stdout) == {"keys": []}
    assert [key["name"] for key in json.loads(run("list --all --json").stdout)["keys"]] == ["app"]


def test_teams(run):
    assert run("teams create ml --rpm 5 --description Research").exit_code == 0
    assert run("create --name app --team ml").exit_code == 0
    assert json.loads(run("teams update ml --block --json").stdout)["blocked_at"]
    (team,) = json.loads(run("teams list --json").stdout)["teams"]
    assert (team["name"], team["limits"]["rpm"]) == ("ml", 5)
    assert "blocked" in run("teams list").stdout
    refused = run("teams delete ml")
    assert (refused.exit_code, "has keys" in refused.stderr) == (1, True)
    run("teams create web")
    assert run("teams delete web").exit_code == 0


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("create --name x --budget-usd much", "not an amount"),
        ("create --name x --expires soon", "--expires"),
        ("create --name x --team gone", "no such team"),
        ("create --name x --preset gone", "preset"),
        ("create --name x/y", "name"),
        ("revoke gone", "no such key"),
        ("list --config /nowhere.yaml", "refused"),
    ],
)
def test_a_refusal_says_why_and_exits_with_one(run, line, reason):
    result = run(line)
    assert result.exit_code == 1, result.output
    assert reason in result.stderr
    assert "Traceback" not in result.stderr


def test_a_name_that_two_keys_have_needs_an_id(run):
    first = json.loads(run("create --name app --json").stdout)["key_id"]
    run("create --name app")
    assert "Several keys" in run("revoke app").stderr
    assert run(f"revoke {first}").exit_code == 0


def test_wrong_usage_exits_with_two(run):
    assert run("create").exit_code == 2
    assert run("create --name x --rpm -2").exit_code == 2


def test_the_configuration_names_database_pepper_and_presets(run, tmp_path, monkeypatch):
    monkeypatch.setenv("PEPPER", "p" * 32)
    text = f"""\
        providers: {{ollama: {{type: ollama, api_key: env:NOT_SET}}}}
        models: {{llama3: {{}}}}
        limits: {{presets: {{batch: {{rpm: 600}}}}}}
        keys: {{pepper: env:PEPPER}}
        store: {{database: "sqlite:///{tmp_path}/other.db"}}
    """
    path = write(tmp_path, text)
    result = run(f"create --name x --preset batch --config {path}")
    assert result.exit_code == 0, result.output
    assert sqlite3.connect(tmp_path / "other.db").execute("select preset from keys").fetchall() == [("batch",)]
    assert not (tmp_path / "kaigate" / "pepper").exists()
    monkeypatch.setenv("PEPPER", "q" * 32)
    refused = run(f"list --config {path}")
    assert (refused.exit_code, "another pepper" in refused.stderr) == (1, True)
