import pytest

from support.configuration import load_text, refused

BASE = "providers: {ollama: {type: ollama}}\nmodels: {llama3: {}}\nkeys: {static: {a: {key: env:KEY}}}\n"
ENV = {"KEY": "kg-" + "k" * 20}


@pytest.mark.parametrize(
    "limits",
    [
        "{defaults: {rpm: 10, tpm: null, budget_usd: 0.000000001}}",
        "{presets: {batch: {rpm: null, parallel: 100}}, teams: {ml: {budget_usd: 100, budget_window: month}}}",
        "{users: {rpm: 5}, models: {llama3: {parallel: 2}}, providers: {ollama: {tpm: 1000}}}",
    ],
)
def test_sound_limits_pass_without_warnings(tmp_path, limits):
    assert load_text(tmp_path, f"{BASE}limits: {limits}\n", ENV).warnings == ()


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ("{models: {llama4: {rpm: 1}}}", 'limits.models.llama4: "llama4" is no model of the allowlist'),
        ("{providers: {olama: {rpm: 1}}}", 'did you mean "ollama"?'),
        ("{teams: {ml: {budget_usd: 5}}}", "limits.teams.ml.budget_usd: needs a budget_window"),
        ("{defaults: {budget_usd: 0.0000000001}}", "at most nine decimal places"),
        ("{defaults: {budget_window: fortnight}}", "limits.defaults.budget_window"),
        ("{defaults: {rpm: -1}}", "limits.defaults.rpm"),
    ],
)
def test_limits_that_would_do_nothing_or_not_what_they_say_are_refused(tmp_path, limits, reason):
    [problem] = refused(tmp_path, f"{BASE}limits: {limits}\n", ENV)
    assert reason in problem


def test_a_preset_is_one_that_exists(tmp_path):
    text = BASE.replace("env:KEY", "env:KEY, preset: batsh") + "limits: {presets: {batch: {rpm: null}}}\n"
    [problem] = refused(tmp_path, text, ENV)
    assert 'keys.static.a.preset: no preset is named "batsh" (did you mean "batch"?)' in problem


def test_prices_are_exact(tmp_path):
    text = BASE.replace("llama3: {}", "llama3: {price: {input: 0.15, output: 0.00000000001}}")
    [problem] = refused(tmp_path, text, ENV)
    assert "models.llama3.price.output: an amount has at most nine decimal places" in problem


def test_switching_limits_off_is_said_aloud(tmp_path):
    [warning] = load_text(tmp_path, f"{BASE}limits: {{enabled: false}}\n", ENV).warnings
    assert "no limit is enforced" in warning
