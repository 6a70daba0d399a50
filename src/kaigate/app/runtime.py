"""What a process holds for all requests: clocks, metrics, life cycle, and the snapshot in force."""

from kaigate.app.lifecycle import Lifecycle
from kaigate.app.snapshot import Snapshot
from kaigate.clock import Clock
from kaigate.telemetry.metrics import Metrics


class Runtime:
    """Built once per process and handed down; only `snapshot` changes, by a swap of the whole."""

    __slots__ = ("clock", "lifecycle", "metrics", "snapshot")

    def __init__(self, *, clock: Clock, metrics: Metrics, lifecycle: Lifecycle, snapshot: Snapshot) -> None:
        self.clock = clock
        self.metrics = metrics
        self.lifecycle = lifecycle
        self.snapshot = snapshot
