"""Counters of the hot path: plain numbers, turned into metric families when Prometheus asks.

The client library's counters take a lock and check their labels at every increment; nine of them cost a request as much
as decoding it. Here an increment is an addition, and the work is done once a scrape.
"""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
OVERHEAD_SECONDS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0)
MAX_SERIES: Final = 8192

Labels = tuple[str, str, str, str, str, str]
"""surface (`connection` for what was no request yet, `unrouted` for what no pipeline serves), key_id, team, model,
provider, status"""

_LABELS: Final = ("surface", "key_id", "team", "model", "provider", "status")
_CALLER: Final = ("key_id", "team", "model", "provider")


class Distribution:
    """A histogram's counts; `bounds` are upper bounds in seconds."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, seconds: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._sum += seconds

    def add_to(self, family: HistogramMetricFamily, labels: tuple[str, ...]) -> None:
        """Add the cumulative buckets that Prometheus wants."""
        total = 0
        buckets: list[tuple[str, float]] = []
        for bound, count in zip((*self._bounds, None), self._counts, strict=True):
            total += count
            buckets.append(("+Inf" if bound is None else str(bound), float(total)))
        if total:
            family.add_metric(labels, buckets=buckets, sum_value=self._sum)


class RequestSeries:
    """What is counted for one set of labels."""

    __slots__ = ("duration", "first_token", "inter_token", "overhead", "requests", "tokens_in", "tokens_out")

    def __init__(self) -> None:
        self.requests = 0
        self.tokens_in = 0
        self.tokens_out = 0
        self.duration = Distribution(SECONDS)
        self.overhead = Distribution(OVERHEAD_SECONDS)
        self.first_token = Distribution(SECONDS)
        self.inter_token = Distribution(SECONDS)


class RequestCollector(Collector):
    """All request series of a process; labels beyond the bound share one series named `other`."""

    def __init__(self) -> None:
        self._series: dict[Labels, RequestSeries] = {}

    def series(self, labels: Labels) -> RequestSeries:
        """The series of these labels."""
        found = self._series.get(labels)
        if found is not None:
            return found
        if len(self._series) >= MAX_SERIES:
            labels = ("other", "", "", "", "", labels[5])
        return self._series.setdefault(labels, RequestSeries())

    def collect(self) -> Iterator[Metric]:
        """The families, for the registry."""
        requests = CounterMetricFamily("kaigate_requests", "Requests answered.", labels=_LABELS)
        tokens = CounterMetricFamily("kaigate_tokens", "Tokens as the provider counts them.", labels=("type", *_CALLER))
        spent: dict[tuple[str, ...], int] = {}
        families = {
            "duration": _histogram("kaigate_request_duration", "From the request's head to the answer's last byte."),
            "overhead": _histogram("kaigate_overhead", "Request duration without the time spent on upstreams."),
            "first_token": _histogram("kaigate_time_to_first_token", "From the request's head to the first part."),
            "inter_token": _histogram("kaigate_inter_token", "Mean gap between the parts of one stream."),
        }
        for labels, series in list(self._series.items()):
            requests.add_metric(labels, series.requests)
            for kind, count in (("input", series.tokens_in), ("output", series.tokens_out)):
                if count:
                    spent[kind, *labels[1:5]] = spent.get((kind, *labels[1:5]), 0) + count
            for name, family in families.items():
                getattr(series, name).add_to(family, labels)
        for caller, count in spent.items():
            tokens.add_metric(caller, count)
        yield requests
        yield tokens
        yield from families.values()


def _histogram(name: str, documentation: str) -> HistogramMetricFamily:
    return HistogramMetricFamily(f"{name}_seconds", documentation, labels=_LABELS)
