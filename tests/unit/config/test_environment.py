import pytest

from kaigate.config.check import check
from kaigate.config.environment import AWS_VARIABLES, from_environment, ollama_url
from kaigate.config.loaded import ServerOverrides
from kaigate.config.problems import ConfigError
from kaigate.providers.registry import ROWS
from support.configuration import TYPES

NEW_KEY = "kg-" + "n" * 43
OPENAI = {"OPENAI_API_KEY": "sk-" + "o" * 20}


def build(env: dict[str, str], *, local_ollama: bool = False):
    return from_environment(env, local_ollama=local_ollama, new_key=NEW_KEY)


def test_an_openai_key_gives_openai_and_its_families():
    found = build(OPENAI)
    config = found.loaded.config
    assert config.providers["openai"].type == "openai"
    assert list(config.models) == ["gpt-5*", "gpt-4*", "gpt-3.5*", "o1*", "o3*"]
    assert found.loaded.secret(config.providers["openai"].api_key) == OPENAI["OPENAI_API_KEY"]
    assert check(found.loaded, TYPES).warnings == ()


def test_ollama_is_served_where_it_is_named_or_answers():
    named = build({"OLLAMA_HOST": "10.0.0.5"}).loaded.config
    assert named.providers["ollama"].base_url == "http://10.0.0.5:11434"
    assert list(named.models) == ["llama*", "mistral*", "codellama*", "phi*", "qwen*"]
    assert build({}, local_ollama=True).loaded.config.providers["ollama"].base_url == "http://127.0.0.1:11434"


def test_both_are_served_together():
    assert list(build(OPENAI, local_ollama=True).loaded.config.providers) == ["openai", "ollama"]


def test_a_key_is_generated_unless_the_environment_gives_one():
    found = build(OPENAI)
    assert found.generated_key == NEW_KEY
    assert found.loaded.secret(found.loaded.config.keys.master_key) == NEW_KEY
    given = build({**OPENAI, "KAIGATE_MASTER_KEY": "kg-" + "g" * 20})
    assert given.generated_key is None
    assert given.loaded.secret(given.loaded.config.keys.master_key) == "kg-" + "g" * 20


def test_an_anthropic_key_gives_anthropic_and_its_family():
    config = build({"ANTHROPIC_API_KEY": "sk-ant-" + "a" * 20}).loaded.config
    assert list(config.providers) == ["anthropic"]
    assert list(config.models) == ["claude*"]


REGION = {"AWS_REGION": "eu-west-1"}


@pytest.mark.parametrize("variable", AWS_VARIABLES)
def test_aws_credentials_and_a_region_give_bedrock(variable):
    found = build({**REGION, variable: "x" * 20})
    bedrock = found.loaded.config.providers["bedrock"]
    assert bedrock.base_url == "https://bedrock-runtime.eu-west-1.amazonaws.com"
    assert (bedrock.api_key is not None) is (variable == "AWS_BEARER_TOKEN_BEDROCK")
    assert list(found.loaded.config.models) == ["amazon*", "anthropic.claude*", "meta.llama*"]
    assert check(found.loaded, ROWS).warnings == ()


@pytest.mark.parametrize(
    ("env", "problem", "reason"),
    [
        ({}, None, "set AWS_REGION"),
        ({"AWS_REGION": "not a region"}, None, "set AWS_REGION"),
        (REGION, "the profile canary-free is odd", "the profile canary-free is odd"),
    ],
)
def test_why_bedrock_is_not_served_is_said(env, problem, reason):
    env = {**OPENAI, **env, "AWS_ACCESS_KEY_ID": "canary-key"}
    loaded = from_environment(env, local_ollama=False, new_key=NEW_KEY, no_credentials=problem).loaded
    assert list(loaded.config.providers) == ["openai"]
    [warning] = loaded.warnings
    assert warning.startswith("AWS_ACCESS_KEY_ID is set, but Bedrock is not served: ")
    assert warning.endswith(reason)
    assert "canary-key" not in warning


def test_a_region_alone_gives_nothing():
    assert list(build({**OPENAI, **REGION}).loaded.config.providers) == ["openai"]


def test_nothing_to_serve_is_an_error_that_says_what_to_do():
    with pytest.raises(ConfigError, match="set OPENAI_API_KEY, ANTHROPIC_API_KEY, AWS") as caught:
        build({"AWS_PROFILE": "x"})
    assert "AWS_PROFILE is set" in str(caught.value)


def test_an_unusable_secret_is_an_error():
    with pytest.raises(ConfigError, match="env:OPENAI_API_KEY"):
        build({"OPENAI_API_KEY": "a\nb"})


def test_options_apply_without_a_file_too():
    found = from_environment(OPENAI, local_ollama=False, new_key=NEW_KEY, overrides=ServerOverrides(port=1))
    assert found.loaded.config.server.port == 1
    assert found.loaded.overrides.port == 1


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("localhost", "http://localhost:11434"),
        ("1.2.3.4", "http://1.2.3.4:11434"),
        ("1.2.3.4:5678", "http://1.2.3.4:5678"),
        (":1234", "http://127.0.0.1:1234"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:80", "http://127.0.0.1:80"),
        ("[::]:80", "http://[::1]:80"),
        ("::1", "http://[::1]:11434"),
        ("[::1]", "http://[::1]:11434"),
        ("[fd00::5]:99", "http://[fd00::5]:99"),
        ("http://ollama", "http://ollama:80"),
        ("https://ollama.example", "https://ollama.example:443"),
        ("https://ollama.example:8443/prefix/", "https://ollama.example:8443/prefix"),
        ("ollama/path", "http://ollama:11434/path"),
        ("host:99999", "http://host:11434"),
        ("host:abc", "http://host:11434"),
        ("host:" + "9" * 5000, "http://host:11434"),
        ('  "host:1"  ', "http://host:1"),
    ],
)
def test_ollama_host_is_read_as_ollama_reads_it(value, url):
    assert ollama_url(value) == url


def test_an_address_that_is_no_url_is_refused_by_the_cross_check():
    with pytest.raises(ConfigError, match="begin with http"):
        check(build({"OLLAMA_HOST": "ftp://host"}).loaded, TYPES)
