from typing import get_args

import pytest

from kaigate.config.models import SecretType
from kaigate.guardrails.findings import PLACEHOLDERS
from support.configuration import load_text, refused

BASE = "providers: {ollama: {type: ollama}}\nmodels: {llama3: {}}\nkeys: {master_key: env:KEY}\n"
ENV = {"KEY": "kg-" + "k" * 20}


def redaction(settings: str) -> str:
    return f"{BASE}guardrails: {{output: {{redaction: {{{settings}}}}}}}\n"


@pytest.mark.parametrize("pattern", ["deadbeef[0-9a-f]{24,}", "sha256:[0-9a-f]{64}", "[0-9a-f]+", "(?i)example.*"])
def test_exceptions_that_mean_something_pass(tmp_path, pattern):
    assert load_text(tmp_path, redaction(f"exceptions: ['{pattern}']"), ENV).warnings == ()


@pytest.mark.parametrize("pattern", ["(", "(?=x)y", r"(a)\1", "a{2000}", "[z-a]"])
def test_patterns_that_are_not_linear_time_are_refused_at_load(tmp_path, capfd, pattern):
    [problem] = refused(tmp_path, redaction(f"exceptions: [fine, '{pattern}']"), ENV)
    assert "guardrails.output.redaction.exceptions[1]: is not a pattern of RE2" in problem
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("pattern", [".*", ".+", "(?s).*", "[^x]*", "(?:.|x)+"])
def test_an_exception_for_everything_is_refused(tmp_path, pattern):
    [problem] = refused(tmp_path, redaction(f"exceptions: ['{pattern}']"), ENV)
    assert "fits any text" in problem


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ("disabled_types: [hex_tokens]", '(did you mean "hex_token"?)'),
        ("literals: [abc]", "at least 4 characters"),
    ],
)
def test_settings_that_would_do_nothing_are_refused(tmp_path, settings, reason):
    [problem] = refused(tmp_path, redaction(settings), ENV)
    assert reason in problem


def test_the_types_of_secrets_are_those_that_the_redactor_finds():
    assert set(get_args(SecretType)) == set(PLACEHOLDERS)
