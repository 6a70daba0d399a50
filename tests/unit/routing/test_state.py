"""What routing remembers outlives a configuration."""

from kaigate.config.routing_settings import BreakerSettings, RetrySettings, RoutingSettings
from kaigate.routing.state import RoutingState
from support.clocks import ManualClock
from support.exchanges import deployment


def test_a_reload_with_equal_settings_forgets_nothing():
    state = RoutingState(ManualClock())
    for _ in range(5):
        state.health.failed(deployment())
    state.configure(RoutingSettings())
    assert state.health.troubled


def test_a_reload_takes_new_settings_over():
    state = RoutingState(ManualClock())
    state.health.checked("local", well=False)
    settings = RoutingSettings(breaker=BreakerSettings(failures=1), retries=RetrySettings(budget_reserve=0))
    state.configure(settings)
    assert state.settings is settings
    assert not state.retries.spend()
    assert not state.health.down, "nobody checks any more"
    state.health.failed(deployment())
    assert state.health.troubled
