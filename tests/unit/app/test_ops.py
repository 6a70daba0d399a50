"""The operations port: metrics and probes, nothing else."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kaigate.app.lifecycle import Lifecycle
from kaigate.app.ops import ops_app
from kaigate.telemetry.metrics import Metrics


async def ask(path: bytes, method: str = "GET", state: str = "ready") -> tuple[int, bytes]:
    sent = []

    async def send(message):
        sent.append(message)

    lifecycle = Lifecycle()
    lifecycle.state = state
    await ops_app(Metrics(), lifecycle)({"raw_path": path, "method": method}, None, send)
    return sent[0]["status"], sent[1]["body"]


@pytest.mark.parametrize(
    ("path", "method", "state", "status"),
    [
        (b"/health", "GET", "ready", 200),
        (b"/health/readiness", "GET", "ready", 200),
        (b"/health/readiness", "HEAD", "draining", 503),
        (b"/health/liveliness", "GET", "draining", 200),
        (b"/health/liveness", "GET", "starting", 200),
        (b"/metrics", "HEAD", "ready", 200),
        (b"/metrics", "POST", "ready", 405),
        (b"/metrics/", "GET", "ready", 404),
        (b"/config", "GET", "ready", 404),
        (b"/", "GET", "ready", 404),
    ],
)
async def test_what_is_served(path, method, state, status):
    assert (await ask(path, method, state))[0] == status


async def test_metrics_are_in_the_exposition_format():
    _, body = await ask(b"/metrics")
    names = {family.name for family in text_string_to_metric_families(body.decode())}
    assert "kaigate_inflight_requests" in names
