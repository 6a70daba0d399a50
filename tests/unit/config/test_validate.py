import pytest

from kaigate.config.document import parse_document
from kaigate.config.models import GatewayConfig
from kaigate.config.validate import valid_keys, validate


def problems(text: str) -> list[str]:
    config, found = validate(parse_document(text.encode(), "f"))
    assert (config is None) == bool(found)
    return [str(problem) for problem in found]


def test_a_valid_document_becomes_typed_settings():
    config, found = validate(
        parse_document(b"server: {port: 1, body_timeout_s: 2}\nmodels: {m: {aliases: [a]}}\n", "f")
    )
    assert not found
    assert config is not None
    assert (config.server.port, config.server.body_timeout_s, config.models["m"].aliases) == (1, 2.0, ("a",))


def test_an_empty_entry_has_every_default():
    config, _ = validate(parse_document(b"models:\n  m:\nserver:\n", "f"))
    assert config == GatewayConfig.model_validate({"models": {"m": {}}})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sevrer: {}", 'f:1:1: sevrer: unknown key "sevrer" (did you mean "server"?)'),
        ("server:\n  prot: 1", 'f:2:3: server.prot: unknown key "prot" (did you mean "port"?)'),
        (
            "models:\n  m: {deployments: [{provider: p, modle: x}]}",
            'f:2:35: models.m.deployments[0].modle: unknown key "modle" (did you mean "model"?)',
        ),
        (
            "keys: {anonymous: {zzz: 1}}",
            'f:1:20: keys.anonymous.zzz: unknown key "zzz" (valid: enabled, models)',
        ),
        (
            "guardrails: {output: {redaction: {enable: true}}}",
            'f:1:35: guardrails.output.redaction.enable: unknown key "enable" (did you mean "enabled"?)',
        ),
    ],
)
def test_unknown_keys_name_the_nearest_valid_one(text, expected):
    assert problems(text) == [expected]


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ('server: {port: "8080"}', "server.port", "must be a whole number, without quotes, but is text"),
        ("server: {port: 80.5}", "server.port", "must be a whole number, without quotes, but is a number"),
        ("server: {port: true}", "server.port", "must be a whole number, without quotes, but is true or false"),
        ("server: {port: 65536}", "server.port", "must be less than or equal to 65535"),
        ("server: {port: 1_000}", "server.port", "must be a whole number, without quotes, but is text"),
        ("server: {reuse_port: yes}", "server.reuse_port", "must be true or false, without quotes"),
        ("server: {reuse_port: 1}", "server.reuse_port", "must be true or false, without quotes"),
        ('server: {body_timeout_s: "5"}', "server.body_timeout_s", "must be a number, without quotes, but is text"),
        ("server: {body_timeout_s: 0}", "server.body_timeout_s", "must be greater than 0"),
        ("server: {trusted_proxies: 10.0.0.0/8}", "server.trusted_proxies", "must be a list (- item), but is text"),
        ("server: [1]", "server", "must be a mapping (key: value), but is a list"),
        ("models: [m]", "models", "must be a mapping (key: value), but is a list"),
        ("providers: {p: {type: 3.10}}", "providers.p.type", "must be text: put it in quotes"),
        ("models: {m: {aliases: [3.10]}}", "models.m.aliases[0]", "must be text: put it in quotes"),
        ("providers: {p: {}}", "providers.p.type", "is required"),
        ("providers: {p: {type: x, zone: privat}}", "providers.p.zone", '(did you mean "private"?)'),
        ("providers: {p: {type: x, zone: 1}}", "providers.p.zone", "must be one of private, external, but is a number"),
        ("telemetry: {log_level: trace}", "telemetry.log_level", "must be one of debug, info, warning, error"),
        ("keys: {static: {a: {sha256: abc}}}", "keys.static.a.sha256", "does not have the form ^[0-9a-f]{64}$"),
        ('providers: {"a b": {type: x}}', 'providers["a b"]', "this name does not have the form"),
        (f"providers: {{{'a' * 65}: {{type: x}}}}", "providers." + "a" * 65, "longer than 64 characters"),
        ('models: {"a b": {}}', 'models["a b"]', "this name does not have the form ^[!-~]+$"),
    ],
)
def test_wrong_values_are_told_in_the_words_of_the_file(text, place, message):
    [problem] = problems(text)
    assert f": {place}: " in problem
    assert message in problem


def test_a_literal_secret_is_refused_and_never_repeated():
    secret = "sk-" + "canary0123456789"
    [problem] = problems(f"providers: {{p: {{type: openai, api_key: {secret}}}}}")
    assert "env:NAME or file:/absolute/path" in problem
    assert secret not in problem


@pytest.mark.parametrize("place", ["base_url", "zone", "connect_timeout_s", "max_connections", "tls", "headers"])
def test_no_message_repeats_a_value(place):
    canary = "canary-0123456789"
    for problem in problems(f"providers: {{p: {{{place}: [{canary}]}}}}"):
        assert canary not in problem


def test_all_mistakes_are_found_at_once():
    assert len(problems("server: {port: a, host: 1}\nmodels: {m: {max_tokens: 0}}\nx: 1\n")) == 4


def test_valid_keys_follow_mappings_and_lists():
    tls = ["ca_file", "client_cert_file", "client_key_file", "server_name"]
    assert valid_keys(GatewayConfig, ("providers", "any", "tls")) == tls
    assert valid_keys(GatewayConfig, ("models", "any", "deployments", 0))[:2] == ["provider", "model"]
    static = ["key", "sha256", "team", "models", "private_only", "limits", "preset"]
    assert valid_keys(GatewayConfig, ("keys", "static", "any")) == static
    assert valid_keys(GatewayConfig, ("models",)) == []
    assert valid_keys(GatewayConfig, ("nothing", "here")) == []
