"""What is no request, or finds no pipeline, is counted and logged, and no flood of it fills the log."""

import pytest

from kaigate.app import refusals
from kaigate.app.refusal_log import MAX_LINES, RefusalLog
from kaigate.errors import RequestInvalidError
from kaigate.telemetry.metrics import Metrics
from support.exchanges import exchange
from support.held_clock import HeldClock

EACH = (refusals.MALFORMED, refusals.LARGE_HEAD, refusals.OTHER_VERSION, refusals.SLOW_HEAD, refusals.FULL)


def counted(metrics: Metrics, surface: str, status: int) -> float:
    names = dict.fromkeys(("key_id", "team", "model", "provider"), "")
    labels = {"surface": surface, "status": str(status), **names}
    return metrics.registry.get_sample_value("kaigate_requests_total", labels) or 0.0


@pytest.mark.parametrize("refusal", EACH)
def test_a_refused_connection_is_counted_and_has_a_line(refusal):
    metrics, lines = Metrics(), []
    RefusalLog(metrics, HeldClock(), lines.append).connection(refusal, "192.0.2.1")
    assert counted(metrics, "connection", refusal.status) == 1
    [line] = lines
    assert (line["surface"], line["status"], line["client"]) == ("connection", refusal.status, "192.0.2.1")
    assert (line["error"], line["request_id"], line["key_id"]) == (refusal.code, None, None)
    assert line["message"] == "request"


def test_a_refused_request_is_counted_and_has_the_line_of_a_request():
    metrics, lines = Metrics(), []
    made = exchange()
    made.error = RequestInvalidError("route_not_found", "There is no such route.")
    made.status = 404
    RefusalLog(metrics, HeldClock(), lines.append).request(made)
    assert counted(metrics, "unrouted", 404) == 1
    [line] = lines
    assert (line["surface"], line["status"], line["error"]) == ("unrouted", 404, "route_not_found")
    assert line["request_id"] == made.request_id


def test_a_flood_is_counted_whole_and_logged_in_part():
    metrics, lines, clock = Metrics(), [], HeldClock()
    log = RefusalLog(metrics, clock, lines.append)
    for _ in range(MAX_LINES + 50):
        log.connection(refusals.FULL, "192.0.2.1")
    assert len(lines) == MAX_LINES
    clock.time += 1
    log.connection(refusals.FULL, "192.0.2.1")
    log.connection(refusals.FULL, "192.0.2.1")
    assert [line.get("unlogged") for line in lines[-3:]] == [None, 50, None]
    assert counted(metrics, "connection", 503) == MAX_LINES + 52


def test_without_an_access_log_it_is_counted_only():
    metrics = Metrics()
    RefusalLog(metrics, HeldClock(), None).connection(refusals.MALFORMED, "192.0.2.1")
    assert counted(metrics, "connection", 400) == 1
