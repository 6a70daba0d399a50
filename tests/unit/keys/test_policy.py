from kaigate.config.models import GatewayConfig, KeyLimits, LimitSettings, LimitsSettings, StaticKey
from kaigate.keys.policy import KeyPolicy, overlaid
from kaigate.keys.record import KeyRights
from kaigate.pipeline.principal import UNLIMITED, Limits

POLICY = KeyPolicy.build(
    GatewayConfig(
        limits=LimitsSettings(
            presets={"batch": KeyLimits(rpm=600, tpm=None, budget_usd=0.5, budget_window="day")},
            teams={"ml": LimitSettings(rpm=5)},
        )
    )
)


def test_the_defaults_are_those_of_the_mission():
    assert POLICY.defaults == Limits(60, 100_000, 5, 10_000_000_000, "30d", 8192)


def test_null_in_the_file_is_no_limit():
    assert POLICY.presets["batch"] == Limits(600, UNLIMITED, 5, 500_000_000, "day", 8192)


def test_own_limits_come_before_the_preset_and_the_preset_before_the_defaults():
    rights = KeyRights(preset="batch", limits=Limits(rpm=1, budget=7))
    assert POLICY.explicit(rights) == Limits(1, UNLIMITED, 5, 7, "day", 8192)
    assert POLICY.explicit(KeyRights(limits=Limits(rpm=1))) == Limits(rpm=1)
    assert POLICY.effective(KeyRights(limits=Limits(rpm=1))) == Limits(1, 100_000, 5, 10_000_000_000, "30d", 8192)


def test_a_preset_that_the_configuration_lost_leaves_the_defaults():
    assert POLICY.explicit(KeyRights(preset="gone")) == Limits()


def test_static_keys_and_teams():
    assert POLICY.of_static(StaticKey(limits=LimitSettings(rpm=2))) == Limits(rpm=2)
    assert POLICY.of_static(StaticKey(preset="batch")).rpm == 600
    assert POLICY.team("ml") == Limits(rpm=5)
    assert POLICY.team("") == Limits()


def test_zero_is_said_and_not_nothing():
    assert overlaid(Limits(rpm=0), Limits(rpm=5)).rpm == 0
