"""Health checks take a provider out after some failures, and bring it back with one success."""

import asyncio

import pytest

from kaigate.app.assemble import upstreams
from kaigate.app.health_checks import HealthChecker, HealthChecks
from kaigate.config.routing_settings import HealthCheckSettings
from kaigate.routing.health import HealthBook
from kaigate.telemetry.metrics import Metrics
from kaigate.transport.errors import ConnectFailed
from support.app_snapshot import loaded_from
from support.clocks import ManualClock
from support.recording_client import RecordingClient, ScriptedResponse

ON = HealthCheckSettings(enabled=True, failures=2)


@pytest.fixture
def built(tmp_path):
    return upstreams(loaded_from(tmp_path))


class Rig:
    def __init__(self, built, *script) -> None:
        self.script = list(script)
        self.client = RecordingClient(lambda _: self.answer(self.script.pop(0)))
        self.health = HealthBook(ManualClock())
        self.metrics = Metrics()
        self.built = built
        self.checker = HealthChecker(self.client, self.health, self.metrics)

    @staticmethod
    def answer(status):
        return ConnectFailed("c") if status is None else ScriptedResponse(status, {}, (b"{}",))

    async def rounds(self) -> list[bool]:
        """Whether the provider is up after each check."""
        found = []
        while self.script:
            await self.checker.check(self.checks())
            found.append(not self.health.down)
        return found

    def checks(self, settings=ON, **paths):
        return HealthChecks(settings, paths or {"up": "/models"}, self.built)


@pytest.mark.parametrize(
    ("script", "up"),
    [
        ((200, None, 200, 503, 500), [True, True, True, True, False]),
        ((None, None, None, 200), [True, False, False, True]),
        ((401, 404), [True, True]),
    ],
)
async def test_a_provider_is_down_after_some_failures_in_a_row(built, script, up):
    rig = Rig(built, *script)
    assert await rig.rounds() == up
    assert rig.metrics.registry.get_sample_value("kaigate_provider_up", {"provider": "up"}) == up[-1]
    sent = rig.client.sent[0]
    assert (sent.path, sent.body, sent.deadlines.total_s) == ("/v1/models", b"", ON.timeout_s)


async def test_a_provider_that_is_checked_no_more_is_up(built):
    rig = Rig(built, None, None)
    await rig.rounds()
    assert rig.health.down
    await rig.checker.check(HealthChecks(ON, {}, rig.built))
    assert not rig.health.down


async def test_checks_follow_the_configuration_in_force(built):
    rig = Rig(built, None)
    current = rig.checks(HealthCheckSettings(enabled=True, interval_s=1, failures=1))
    task = asyncio.create_task(rig.checker.run(lambda: current))
    while not rig.health.down:
        await asyncio.sleep(0.01)
    current = rig.checks(HealthCheckSettings(enabled=False))
    assert not current.paths
    async with asyncio.timeout(3):
        while rig.health.down:
            await asyncio.sleep(0.05)
    assert len(rig.client.sent) == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
