"""Routing that could not work is refused when it is loaded."""

import pytest

from support.configuration import load_text, refused

BASE = "providers: {o: {type: ollama}, x: {type: openai}}\n"


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ("m: {deployments: [{provider: o}], fallbacks: [m]}", "no fallback of itself"),
        ("m: {deployments: [{provider: o}], fallbacks: [nn]}\nn: {deployments: [{provider: o}]}", 'did you mean "n"'),
        ("'m*': {deployments: [{provider: o}], fallbacks: ['m*']}", "no fallback of itself"),
        ("m: {deployments: [{provider: o}], context_fallbacks: [q]}", "is no model of the allowlist"),
        (
            "m: {deployments: [{provider: o}], fallbacks: [n, n]}\nn: {deployments: [{provider: o}]}",
            "is already named",
        ),
        (
            (
                "m: {deployments: [{provider: o}], fallbacks: [n]}\n"
                "n: {deployments: [{provider: o}], context_fallbacks: [p]}\n"
                "p: {deployments: [{provider: o}], fallbacks: [m]}"
            ),
            "in a circle: m -> n -> p -> m",
        ),
        ("m: {deployments: [{provider: o, weight: 0}]}", "every weight is 0"),
        ("m: {deployments: [{provider: o}, {provider: x}, {provider: o}]}", "the same as an earlier one"),
        ("m: {deployments: [{provider: o}], max_cost_usd: 0.00000000001}", "nine decimal places"),
        ("m: {deployments: [{provider: o}], hosted_tools: [browser]}", "hosted_tools"),
        ("m: {deployments: [{provider: o}], strategy: quickest}", "strategy"),
    ],
)
def test_a_model_that_could_not_be_routed_is_refused(tmp_path, models, message):
    text = BASE + "models:\n" + "\n".join(f"  {line}" for line in models.split("\n"))
    problems = refused(tmp_path, text)
    assert len(problems) == 1
    assert message in problems[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("providers: {o: {type: ollama, allow_parts: [image], block_parts: [image]}}", "is allowed by allow_parts"),
        ("routing: {zones: {external: {allow_parts: [audio], block_parts: [audio]}}}", "is allowed by allow_parts"),
        ("routing: {max_cost_usd: 0.0000000001}", "nine decimal places"),
        ("routing: {breaker: {open_s: 0}}", "open_s"),
    ],
)
def test_a_contradiction_is_refused(tmp_path, text, message):
    assert message in refused(tmp_path, text)[0]


def test_a_chain_that_ends_is_accepted(tmp_path):
    text = (
        BASE + "models:\n"
        "  m: {deployments: [{provider: o}], fallbacks: [n, p]}\n"
        "  n: {deployments: [{provider: o}], fallbacks: [p]}\n"
        "  p: {deployments: [{provider: x}]}\n"
        "  'q*': {deployments: [{provider: x}], fallbacks: [m]}\n"
    )
    assert load_text(tmp_path, text).config.models["m"].fallbacks == ("n", "p")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("models: {m: {deployments: [{provider: o}], context_fallbacks: [n]}, n: {deployments: [{provider: x}]}}", "m"),
        ("routing: {health_checks: {enabled: true}}", "nothing is asked"),
    ],
)
def test_what_has_no_effect_is_told(tmp_path, text, message):
    warnings = load_text(tmp_path, BASE + text).warnings
    assert any(message in warning for warning in warnings)


def test_a_health_path_without_health_checks_is_told(tmp_path):
    warnings = load_text(tmp_path, "providers: {o: {type: ollama, health_path: /api/version}}").warnings
    assert any("health_path" in warning for warning in warnings)
