"""What comes out of LiteLLM's files loads here, holds no secret, and every line is accounted for."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kaigate.config.check import check
from kaigate.config.document import parse_document
from kaigate.config.litellm import Imported, convert
from kaigate.config.load import load
from kaigate.config.loaded import LoadedConfig
from kaigate.config.problems import ConfigError
from kaigate.providers.registry import ROWS

VALUES = {
    "KAIGATE_REDIS_URL": "redis://h",
    "KAIGATE_DATABASE_URL": "postgresql://host/x",
    "DATABASE_URL": "postgresql://host/x",
}
SAMPLES = Path(__file__).parents[2] / "data" / "litellm"


def imported(data: Any, env: dict[str, str] | None = None) -> Imported:
    text = data if isinstance(data, str) else yaml.safe_dump(data, sort_keys=False)
    return convert(text.encode(), "litellm.yaml", env=env or {}, types=ROWS)


def loads(folder: Path, result: Imported) -> LoadedConfig:
    """As `kaigate config check` does once the variables are set."""
    path = folder / "gateway.yaml"
    path.write_text(result.text)
    env = {name: VALUES.get(name, f"value-of-{name}") for name in result.variables}
    return check(load(path, env), ROWS)


def outcomes(result: Imported) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for note in result.notes:
        found.setdefault(note.path, set()).add(note.outcome)
    return found


def test_a_teams_file_becomes_ours(tmp_path):
    result = imported((SAMPLES / "team.yaml").read_text())
    config = loads(tmp_path, result).config
    assert list(config.models) == ["gpt-4o", "claude-sonnet", "nova", "local", "coder", "embed"]
    assert {name: row.type for name, row in config.providers.items()} == {
        "azure": "azure",
        "openai": "openai",
        "anthropic": "anthropic",
        "bedrock": "bedrock",
        "ollama": "ollama",
        "openai-compatible": "openai_compatible",
    }
    gpt = config.models["gpt-4o"]
    assert [(each.provider, each.model, each.weight) for each in gpt.deployments] == [
        ("azure", "gpt-4o-eu", 1),
        ("openai", None, 3),
    ]
    assert (gpt.timeout_s, gpt.fallbacks, gpt.aliases) == (120, ("claude-sonnet",), ("gpt-4",))
    claude = config.models["claude-sonnet"]
    assert claude.price is not None
    assert (claude.price.input, claude.price.output, claude.price.cached_input) == (3.0, 15.0, 0.3)
    assert (claude.max_tokens, claude.context_tokens, claude.capabilities.tools) == (4096, 200_000, True)
    assert config.models["local"].deployments[0].model == "llama3.1"
    assert config.models["local"].max_input_tokens == 8192
    assert (config.routing.strategy, config.routing.max_attempts) == ("fastest", 3)
    assert (config.routing.breaker.failures, config.routing.breaker.open_s) == (4, 30)
    assert {(row.drop_params, row.timeout_s) for row in config.providers.values()} == {(True, 300)}
    assert (config.limits.models["gpt-4o"].rpm, config.limits.models["gpt-4o"].tpm) == (800, 300_000)
    defaults = config.limits.defaults
    assert (defaults.rpm, defaults.tpm, defaults.budget_usd, defaults.budget_window) == (120, 200_000, 25, "30d")
    assert config.store.redis.url == "redis://redis.internal:6379"
    assert str(config.store.database) == "env:DATABASE_URL"
    assert str(config.keys.master_key) == "env:LITELLM_MASTER_KEY"
    assert config.providers["bedrock"].aws.region == "eu-west-1"
    assert config.providers["anthropic"].base_url == "https://api.anthropic.com"


def test_the_report_says_what_was_not_carried_over_and_where():
    told = {note.path: note for note in imported((SAMPLES / "team.yaml").read_text()).notes}
    text = (SAMPLES / "team.yaml").read_text().splitlines()
    for path, outcome in (
        ("model_list[4].litellm_params.temperature", "not carried"),
        ("model_list[7].model_info.mode", "not carried"),
        ("model_list[8].litellm_params.model", "not carried"),
        ("litellm_settings.success_callback", "not carried"),
        ("litellm_settings.cache", "not carried"),
        ("litellm_settings.content_policy_fallbacks", "not carried"),
        ("general_settings.alerting", "not carried"),
        ("model_list[0].litellm_params.api_key", "carried"),
        ("router_settings.allowed_fails", "changed"),
    ):
        assert told[path].outcome == outcome
        assert path.rpartition(".")[2] in text[told[path].line - 1]


@pytest.mark.parametrize("name", ["team.yaml", "quickstart.yaml", "nothing.yaml"])
def test_every_line_is_accounted_for(name):
    data = (SAMPLES / name).read_bytes()
    lines = {note.line for note in convert(data, name, env={}, types=ROWS).notes}
    told = outcomes(imported(data.decode()))
    for path, mark in parse_document(data, name).keys.items():
        leaf = not isinstance(_at(yaml.safe_load(data), path), dict | list)
        near = any(line == mark.line for line in lines)
        above = any(not path[:-1] or _rendered(path[:length]) in told for length in range(1, len(path)))
        assert not leaf or near or above, path


def _at(data: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        data = data[step]
    return data


def _rendered(path: tuple[Any, ...]) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def test_a_file_without_anything_usable_gives_no_configuration():
    result = imported((SAMPLES / "nothing.yaml").read_text())
    assert result.text == ""
    assert outcomes(result)["model_list[0]"] == {"not carried"}


def test_literal_secrets_are_written_nowhere(tmp_path):
    secret = "sk-" + "live" * 8
    params = {"model": "openai/gpt-4o", "api_key": secret}
    data = {
        "model_list": [
            {"model_name": "a", "litellm_params": params},
            {"model_name": "b", "litellm_params": params},
            {"model_name": "c", "litellm_params": {**params, "api_key": secret + "2"}},
            {
                "model_name": "d",
                "litellm_params": {
                    "model": "bedrock/us-east-1/amazon.nova-lite-v1:0",
                    "aws_access_key_id": secret + "3",
                    "aws_secret_access_key": secret + "4",
                },
            },
        ],
        "general_settings": {"master_key": secret + "5", "database_url": f"postgresql://u:{secret}@host/db"},
        "router_settings": {"redis_host": "h", "redis_password": secret + "6"},
        "environment_variables": {"SOME_KEY": secret},
    }
    result = imported(data)
    assert secret not in result.text + "".join(map(str, result.notes)) + repr(result.variables)
    config = loads(tmp_path, result).config
    providers = {name: str(row.api_key) for name, row in config.providers.items() if row.api_key}
    assert providers == {"openai": "env:OPENAI_API_KEY", "openai-2": "env:OPENAI_API_KEY_2"}
    assert {"KAIGATE_MASTER_KEY", "KAIGATE_DATABASE_URL", "KAIGATE_REDIS_URL"} <= set(result.variables)


def test_what_the_check_refuses_is_left_out_with_a_note(tmp_path):
    data = {
        "model_list": [
            {
                "model_name": "a",
                "litellm_params": {"model": "azure/x", "api_base": "https://h", "api_key": "os.environ/K"},
            },
            {"model_name": "b", "litellm_params": {"model": "gpt-4o", "extra_headers": {"host": "h"}}},
        ]
    }
    result = imported(data)
    assert list(loads(tmp_path, result).config.models) == ["a", "b"]
    assert any("providers.openai.headers.host was left out" in note.message for note in result.notes)


def test_what_is_no_yaml_is_refused():
    with pytest.raises(ConfigError):
        imported("model_list: [")


def test_merge_keys_and_unknown_sections_are_told():
    result = imported("model_list: []\nx: &x {a: 1}\ny:\n  <<: *x\nvector_stores: [1]\n")
    assert outcomes(result)["vector_stores"] == {"not carried"}
    assert any("merge keys" in note.message for note in result.notes)


def test_text_that_looks_like_a_number_stays_text(tmp_path):
    names = ["1e5", "0x1F", "12:30", "yes", "null", "3.10", "~"]
    data = {"model_list": [{"model_name": name, "litellm_params": {"model": f"ollama/{name}"}} for name in names]}
    assert list(loads(tmp_path, imported(json.dumps(data))).config.models) == names


WORDS = st.sampled_from(["a", "b", "gpt-4o", "claude", "x:latest", "gpt-*", "*", "1e5", "no", "", "ä", "a b", "../x"])
NUMBERS = st.sampled_from([0, 1, -1, 2.5, 1e-7, 1e300, "7", "x", True, None, [], {}, 10**30])
MODELS = st.sampled_from([
    "gpt-4o", "openai/gpt-4o", "azure/x", "ollama/a:latest", "bedrock/eu-west-1/x", "bedrock/converse/x", "vertex_ai/x",
    "openai/*", "*", "anthropic/claude", "hosted_vllm/a/b", "groq/", "/", "a/b/c", "", 5, None,
])  # fmt: skip
BASES = st.sampled_from(
    ["http://h:1/v1", "https://h", "ftp://h", "os.environ/BASE", "os.environ/NONE", "h", "http://u:p@h", 7]
)
SECRETS = st.sampled_from(["os.environ/KEY", "os.environ/no name", "sk-literal-secret", "none", "", 5])
PARAMS = st.fixed_dictionaries(
    {"model": MODELS},
    optional={
        "api_base": BASES,
        "api_key": SECRETS,
        "api_version": WORDS,
        "organization": WORDS,
        "custom_llm_provider": st.sampled_from(["openai", "ollama", "nobody", 3]),
        "extra_headers": st.dictionaries(st.sampled_from(["x-a", "host", "x-key", "ä"]), WORDS, max_size=2),
        "aws_region_name": st.sampled_from(["eu-west-1", "EU", "os.environ/AWS"]),
        "aws_access_key_id": SECRETS,
        "aws_secret_access_key": SECRETS,
        "aws_profile_name": WORDS,
        **dict.fromkeys(("max_tokens", "timeout", "rpm", "tpm", "weight", "order", "max_input_tokens"), NUMBERS),
        **dict.fromkeys(("input_cost_per_token", "output_cost_per_token", "drop_params"), NUMBERS),
    },
)
INFO = st.fixed_dictionaries(
    {},
    optional={
        "mode": st.sampled_from(["chat", "embedding", "rerank"]),
        "supports_vision": NUMBERS,
        "max_input_tokens": NUMBERS,
        "max_output_tokens": NUMBERS,
    },
)
ITEMS = st.fixed_dictionaries({"model_name": WORDS, "litellm_params": PARAMS}, optional={"model_info": INFO})
CHAINS = st.lists(st.dictionaries(WORDS, st.lists(WORDS, max_size=3), max_size=2) | NUMBERS, max_size=3)
SECTION = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("fallbacks", "context_window_fallbacks", "default_fallbacks"), CHAINS),
        "routing_strategy": st.sampled_from(["simple-shuffle", "latency-based-routing", "least-busy", "none", 4]),
        "model_group_alias": st.dictionaries(WORDS, WORDS, max_size=3) | NUMBERS,
        **dict.fromkeys(("num_retries", "timeout", "request_timeout", "allowed_fails", "cooldown_time"), NUMBERS),
        **dict.fromkeys(("max_parallel_requests", "rpm", "tpm", "max_budget", "max_request_size_mb"), NUMBERS),
        "budget_duration": st.sampled_from(["30d", "1mo", "1h", "x", 3]),
        "default_key_generate_params": st.dictionaries(st.sampled_from(["max_budget", "rpm_limit"]), NUMBERS),
        "redis_host": WORDS,
        "redis_port": NUMBERS,
        "cache_params": st.fixed_dictionaries({"type": st.just("redis"), "host": WORDS}) | NUMBERS,
        "master_key": SECRETS,
        "database_url": SECRETS,
        "drop_params": NUMBERS,
    },
)
FILES = st.fixed_dictionaries(
    {"model_list": st.lists(ITEMS, max_size=4) | NUMBERS},
    optional=dict.fromkeys(("litellm_settings", "router_settings", "general_settings"), SECTION | NUMBERS),
)
ENV = {"BASE": "http://from-env:1/v1"}


@settings(max_examples=150, deadline=None)
@given(FILES)
def test_whatever_comes_out_loads(tmp_path_factory, data):
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    result = convert(text.encode(), "litellm.yaml", env=ENV, types=ROWS)
    assert "literal-secret" not in result.text + "".join(map(str, result.notes))
    if not result.text:
        return
    path = tmp_path_factory.getbasetemp() / "gateway.yaml"
    path.write_text(result.text)
    loaded = check(load(path, {}, resolve_secrets=False), ROWS, read_files=False)
    assert loaded.config.models
