import hashlib

import pytest

from kaigate.config.check_keys import well_formed
from support.configuration import load_text, refused

BASE = "providers: {ollama: {type: ollama}}\nmodels: {llama3: {aliases: [fast]}, 'qwen*': {}}\n"
KEY = "kg-" + "k" * 20
ENV = {"KEY": KEY, "SAME": KEY, "OTHER": KEY + "x", "SHORT": "kg-abc", "SPACE": "kg-" + "a b" * 5}
DIGEST = hashlib.sha256(KEY.encode()).hexdigest()


@pytest.mark.parametrize(
    "keys",
    [
        "{master_key: env:KEY, static: {a: {key: env:OTHER}}}",
        f"{{static: {{a: {{sha256: {DIGEST}}}}}}}",
        "{static: {a: {key: env:KEY, models: [llama3]}}}",
        "{static: {a: {key: env:KEY, models: ['llama*', 'qwen2.5:7b', 'qwen2*', '*']}}}",
    ],
)
def test_usable_keys_pass_without_warnings(tmp_path, keys):
    assert load_text(tmp_path, f"{BASE}keys: {keys}\n", ENV).warnings == ()


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ("{static: {a: {team: t}}}", "keys.static.a: needs either key"),
        (f"{{static: {{a: {{key: env:OTHER, sha256: {DIGEST}}}}}}}", "keys.static.a: needs either key"),
        ("{static: {a: {key: env:KEY}, b: {key: env:SAME}}}", "keys.static.b: is the same key as the key a"),
        ("{master_key: env:KEY, static: {b: {key: env:SAME}}}", "keys.static.b: is the same key as the master key"),
        (f"{{static: {{a: {{key: env:KEY}}, b: {{sha256: {DIGEST}}}}}}}", "is the same key as the key a"),
        ("{static: {a: {key: env:SHORT}}}", "env:SHORT: a key has 8 to 512 printable ASCII characters"),
        ("{master_key: env:SPACE}", "keys.master_key: env:SPACE: a key has 8 to 512"),
        ("{static: {a: {key: env:KEY, models: [llama4]}}}", '"llama4" fits no model of the allowlist (did you mean'),
        ("{static: {a: {key: env:KEY, models: ['gpt*']}}}", '"gpt*" fits no model'),
        ("{static: {a: {key: env:KEY, models: [fast]}}}", "is an alias: name the model itself, llama3"),
        ("{master_key: env:KEY, anonymous: {models: [x]}}", "keys.anonymous.models[0]"),
    ],
)
def test_keys_that_cannot_work_are_refused(tmp_path, keys, reason):
    [problem] = refused(tmp_path, f"{BASE}keys: {keys}\n", ENV)
    assert reason in problem
    assert KEY not in problem


def test_anonymous_access_is_warned_about(tmp_path):
    [warning] = load_text(tmp_path, f"{BASE}keys: {{anonymous: {{enabled: true}}}}\n").warnings
    assert "for development only" in warning


def test_tokens_are_enough_to_be_used(tmp_path):
    jwt = "{issuer: https://id.example, audiences: [kaigate], jwks: 'file:/keys.json'}"
    assert load_text(tmp_path, f"{BASE}keys: {{jwt: {jwt}}}\n").warnings == ()


def test_a_gateway_that_nobody_can_use_is_warned_about(tmp_path):
    [warning] = load_text(tmp_path, BASE).warnings
    assert "no key is configured" in warning


@pytest.mark.parametrize(
    ("key", "fine"),
    [
        ("a" * 8, True),
        ("a" * 512, True),
        ("a" * 7, False),
        ("a" * 513, False),
        ("a" * 8 + "\n", False),
        ("é" * 9, False),
    ],
)
def test_the_shape_of_a_key(key, fine):
    assert well_formed(key) is fine
