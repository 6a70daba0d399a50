"""A key that says nothing has the published defaults; elsewhere nothing said is no limit."""

import pytest
from pydantic import ValidationError

from kaigate.config.limit_settings import KeyLimits, LimitSettings, LimitsSettings


def test_the_defaults_of_a_key():
    assert KeyLimits().model_dump() == {
        "rpm": 60,
        "tpm": 100_000,
        "parallel": 5,
        "budget_usd": 10.0,
        "budget_window": "30d",
        "max_input_tokens": 8192,
    }


def test_other_scopes_have_no_limit_until_one_is_set():
    assert set(LimitSettings().model_dump().values()) == {None}
    settings = LimitsSettings()
    assert settings.users == LimitSettings()
    assert (settings.teams, settings.models, settings.providers) == ({}, {}, {})


@pytest.mark.parametrize("window", ["day", "week", "month", "1d", "30d", "999d"])
def test_a_budget_window(window):
    assert LimitSettings(budget_usd=1.0, budget_window=window).budget_window == window


@pytest.mark.parametrize(
    "given",
    [
        {"budget_window": "0d"},
        {"budget_window": "year"},
        {"budget_window": "30"},
        {"rpm": -1},
        {"tpm": 1.5},
        {"budget_usd": -0.01},
    ],
)
def test_what_is_no_limit_is_refused(given):
    with pytest.raises(ValidationError):
        LimitSettings(**given)
