"""The process's life as load balancers and the drain see it."""

import pytest

from kaigate.app.lifecycle import Lifecycle


@pytest.mark.parametrize(
    ("state", "ready", "closing", "refusing"),
    [
        ("starting", False, False, False),
        ("ready", True, False, False),
        ("draining", False, True, False),
        ("refusing", False, True, True),
    ],
)
def test_what_each_state_means(state, ready, closing, refusing):
    lifecycle = Lifecycle()
    lifecycle.state = state
    assert (lifecycle.ready, lifecycle.closing, lifecycle.refusing) == (ready, closing, refusing)


async def test_idle_waits_for_what_runs():
    lifecycle = Lifecycle()
    assert await lifecycle.idle(0.01)
    lifecycle.begin()
    assert not await lifecycle.idle(0.01)
    lifecycle.end()
    assert await lifecycle.idle(0.01)
