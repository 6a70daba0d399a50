"""What a process holds for all requests: clocks, metrics, life cycle, upstream client, and the snapshot in force."""

from kaigate.app.lifecycle import Lifecycle
from kaigate.app.snapshot import Snapshot
from kaigate.clock import Clock
from kaigate.telemetry.metrics import Metrics
from kaigate.transport.http import HttpClient


class Runtime:
    """Built once per process and handed down; only `snapshot` changes, by a swap of the whole."""

    __slots__ = ("client", "clock", "lifecycle", "metrics", "snapshot")

    def __init__(
        self, *, clock: Clock, metrics: Metrics, lifecycle: Lifecycle, client: HttpClient, snapshot: Snapshot
    ) -> None:
        self.clock = clock
        self.metrics = metrics
        self.lifecycle = lifecycle
        self.client = client
        metrics.inflight_requests.set_function(lambda: lifecycle.running)
        self.swap(snapshot)

    def swap(self, snapshot: Snapshot) -> None:
        """Serve the requests that begin from now on with `snapshot`; running ones end with theirs."""
        self.client.reconfigure(guard=snapshot.egress, proxy=snapshot.outgoing_proxy)
        self.snapshot = snapshot
        info = self.metrics.config_info
        info.clear()
        info.labels(snapshot.loaded.hash).set(1)
