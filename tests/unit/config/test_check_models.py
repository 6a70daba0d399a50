import pytest

from support.configuration import load_text, refused

BASE = """\
providers:
  openai: {type: openai}
  ollama: {type: ollama}
keys: {master_key: env:KEY}
"""
ENV = {"KEY": "kg-" + "k" * 20}


@pytest.mark.parametrize(
    "models",
    [
        "{gpt-5: {}}",
        "{llama3: {aliases: [fast, 'x:latest']}}",
        "{'gpt-4*': {}, 'gpt-4o*': {}, gpt-4o: {}}",
        "{'*': {}}",
        "{'g*': {}}",
        "{'?lama*': {}}",
        "{custom: {deployments: [{provider: openai, model: gpt-5}, {provider: ollama}]}}",
        "{'custom-*': {deployments: [{provider: ollama}]}}",
        "{llama3: {private: true}}",
    ],
)
def test_models_that_lead_to_a_provider_pass(tmp_path, models):
    assert load_text(tmp_path, f"{BASE}models: {models}\n", ENV).warnings == ()


@pytest.mark.parametrize(
    ("models", "reason"),
    [
        ("{custom: {}}", "models.custom: no prefix of a configured provider fits"),
        ("{claude-x: {}}", "no prefix of a configured provider fits"),
        ("{'zzz*': {}}", "no prefix of a configured provider fits"),
        ("{m: {deployments: [{provider: opnai}]}}", 'no provider is named "opnai" (did you mean "openai"?)'),
        ("{'llama3:latest': {}}", '":latest" is refused'),
        ("{'llama3:LATEST': {}}", '":latest" is refused'),
        ("{m: {deployments: [{provider: ollama, model: 'llama3:latest'}]}}", '":latest" is refused'),
        ("{m: {deployments: [{provider: ollama, model: 'llama*'}]}}", "no wildcards"),
        ("{gpt-5: {private: true}}", "none of its providers is private (openai)"),
        ("{llama3: {aliases: [llama4]}, llama4: {}}", '"llama4" is a model of the allowlist itself'),
        ("{llama3: {aliases: [x]}, llama4: {aliases: [x]}}", '"x" is already an alias of llama3'),
        ("{llama3: {aliases: [x, x]}}", '"x" is already an alias of llama3'),
        ("{'llama*': {aliases: [x]}}", "a glob names many models"),
        ("{llama3: {aliases: ['x*']}}", "an alias is one name"),
    ],
)
def test_models_that_lead_nowhere_or_twice_are_refused(tmp_path, models, reason):
    [problem] = refused(tmp_path, f"{BASE}models: {models}\n", ENV)
    assert reason in problem


def test_a_prefix_that_fits_two_providers_does_not_decide(tmp_path):
    text = BASE + "models: {llama3: {}}\nprovider_models: {}\n"
    text = text.replace("ollama: {type: ollama}", 'a: {type: ollama}\n  b: {type: ollama, base_url: "http://b:1"}')
    [problem] = refused(tmp_path, text, ENV)
    assert "its prefix fits several providers (a, b): name one in deployments" in problem


@pytest.mark.parametrize(
    ("prefixes", "reason"),
    [
        ("{opnai: [x]}", 'provider_models.opnai: names no provider and no provider type (did you mean "openai"?)'),
        ("{openai: ['gpt*']}", "provider_models.openai[0]: a prefix has no wildcards"),
        ("{openai: [x], ollama: [y, x]}", "provider_models.ollama[1]: this prefix already belongs to openai"),
    ],
)
def test_prefixes_belong_to_one_known_provider(tmp_path, prefixes, reason):
    text = f"{BASE}models: {{m: {{deployments: [{{provider: ollama}}]}}}}\nprovider_models: {prefixes}\n"
    [problem] = refused(tmp_path, text, ENV)
    assert reason in problem


def test_prefixes_of_types_that_are_not_configured_are_fine(tmp_path):
    text = f"{BASE}models: {{llama3: {{}}}}\nprovider_models: {{bedrock: [claude], anthropic: [claude]}}\n"
    assert load_text(tmp_path, text, ENV).warnings == ()


def test_an_empty_allowlist_is_warned_about(tmp_path):
    [warning] = load_text(tmp_path, BASE, ENV).warnings
    assert "the allowlist is empty" in warning
