from kaigate.cli.keys_run import limits_data, limits_text, moment
from kaigate.pipeline.principal import Limits


def test_money_is_text_and_exact():
    assert limits_data(Limits(budget=1))["budget_usd"] == "0.000000001"
    assert limits_data(Limits(budget=-1))["budget_usd"] == "-1"
    assert limits_data(Limits())["budget_usd"] is None


def test_limits_for_people_are_those_that_are_set():
    assert limits_text(Limits(rpm=60, tpm=-1, budget=10_000_000_000)) == "rpm 60, tpm none, budget_usd 10"
    assert limits_text(Limits()) == ""


def test_times():
    assert moment(1_790_000_000_123) == "2026-09-21T14:13:20Z"
    assert moment(None) is None
