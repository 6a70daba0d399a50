"""What never reaches a pipeline is counted and logged too: no part of it that a client wrote becomes either."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from kaigate.app.refusals import Refusal
from kaigate.clock import Clock
from kaigate.pipeline.exchange import Exchange
from kaigate.stages.observe import Observe
from kaigate.telemetry.metrics import Metrics

CONNECTION: Final = "connection"
"""The `surface` of what was no request yet."""
UNROUTED: Final = "unrouted"
"""The `surface` of requests that entered no pipeline."""
MAX_LINES: Final = 100


class RefusalLog:
    """Counts refusals among the requests; `record` receives their access records, or is None.

    A flood of connections can't fill the log: of those, `MAX_LINES` a second are logged, and the next line says how
    many were not.
    """

    __slots__ = ("_clock", "_lines", "_metrics", "_record", "_second", "_unlogged", "_unrouted")

    def __init__(self, metrics: Metrics, clock: Clock, record: Callable[[Mapping[str, Any]], None] | None) -> None:
        self._metrics = metrics
        self._clock = clock
        self._record = record
        self._unrouted = Observe(metrics, clock, record, UNROUTED)
        self._second = self._lines = self._unlogged = 0

    def request(self, exchange: Exchange) -> None:
        """A request was refused before any stage."""
        self._unrouted.leave(exchange)

    def connection(self, refusal: Refusal, address: str) -> None:
        """What came from a client's address was refused before it was a request."""
        self._metrics.requests.series((CONNECTION, "", "", "", "", str(refusal.status))).requests += 1
        if self._record is None or not self._may_log():
            return
        record: dict[str, Any] = {
            "time": self._clock.now(),
            "message": "request",
            "request_id": None,
            "surface": CONNECTION,
            "status": refusal.status,
            "key_id": None,
            "client": address,
            "model": None,
            "error": refusal.code,
        }
        if self._unlogged:
            record["unlogged"], self._unlogged = self._unlogged, 0
        self._record(record)

    def _may_log(self) -> bool:
        second = int(self._clock.monotonic())
        if second != self._second:
            self._second, self._lines = second, 0
        self._lines += 1
        if self._lines > MAX_LINES:
            self._unlogged += 1
            return False
        return True
