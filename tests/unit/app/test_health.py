"""What probes say in each state of the process."""

import pytest

from kaigate.app.health import probe, respond
from kaigate.app.lifecycle import Lifecycle
from kaigate.app.routes import PROBES


@pytest.mark.parametrize(
    ("state", "ready", "status"),
    [
        ("starting", 503, b'{"status":"starting"}'),
        ("ready", 200, b'{"status":"healthy"}'),
        ("draining", 503, b'{"status":"draining"}'),
        ("refusing", 503, b'{"status":"draining"}'),
    ],
)
def test_readiness_follows_the_state_and_nothing_else_does(state, ready, status):
    lifecycle = Lifecycle()
    lifecycle.state = state
    for path in PROBES:
        expected = (ready, status) if path == b"/health/readiness" else (200, b'{"status":"healthy"}')
        assert probe(path, lifecycle) == expected


async def test_a_probe_answer_is_never_cached():
    sent = []

    async def send(message):
        sent.append(message)

    await respond(send, 503, b"{}", b"application/json")
    assert sent[0]["status"] == 503
    assert dict(sent[0]["headers"])[b"cache-control"] == b"no-store"
    assert sent[1]["body"] == b"{}"
