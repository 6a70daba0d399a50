"""Measures the exchange and writes its access record."""

from collections.abc import Callable, Mapping
from typing import Any

from kaigate.clock import Clock
from kaigate.pipeline.exchange import Exchange
from kaigate.pipeline.stage import Stage
from kaigate.telemetry.metrics import Metrics

CLIENT_CLOSED = 499


class Observe(Stage):
    """Counts requests, tokens and time; `record` receives one access record per exchange, or is None."""

    def __init__(
        self, metrics: Metrics, clock: Clock, record: Callable[[Mapping[str, Any]], None] | None, surface: str = ""
    ) -> None:
        """`surface` is the label where the client format's own name would not say what was asked."""
        self._metrics = metrics
        self._clock = clock
        self._record = record
        self._surface = surface

    def leave(self, exchange: Exchange) -> None:
        metrics = self._metrics
        if exchange.client_gone:
            metrics.client_disconnects.inc()
            exchange.status = CLIENT_CLOSED
        seconds = self._clock.monotonic() - exchange.started_at
        principal = exchange.principal
        key_id, team = (principal.key_id, principal.team) if principal else ("", "")
        provider = exchange.deployment.provider.name if exchange.deployment else ""
        model = exchange.entry.label if exchange.entry else ""
        surface = self._surface or exchange.surface.name
        series = metrics.requests.series((surface, key_id, team, model, provider, str(exchange.status)))
        series.requests += 1
        series.duration.observe(seconds)
        series.overhead.observe(max(0.0, seconds - exchange.upstream_seconds))
        if exchange.usage is not None:
            series.tokens_in += exchange.usage.input_tokens
            series.tokens_out += exchange.usage.output_tokens
        if exchange.first_token_at is not None:
            series.first_token.observe(exchange.first_token_at - exchange.started_at)
            if exchange.chunks > 1:
                streaming = exchange.last_token_at - exchange.first_token_at
                series.inter_token.observe(streaming / (exchange.chunks - 1))
        for kind, count in exchange.redactions.items():
            metrics.redactions.labels(kind).inc(count)
        if self._record is not None:
            self._record(access_record(exchange, surface, seconds, self._clock.now()))


def access_record(exchange: Exchange, surface: str, seconds: float, now: float) -> dict[str, Any]:
    """One flat record of what happened: names, counts and times, never text of the request or the answer."""
    usage, error = exchange.usage, exchange.error
    record: dict[str, Any] = {
        "time": now,
        "message": "request",
        "request_id": exchange.request_id,
        "surface": surface,
        "status": exchange.status,
        "key_id": exchange.principal.key_id if exchange.principal else None,
        "client": exchange.client.address,
        "model": exchange.model or None,
        "duration_ms": round(seconds * 1000, 3),
        "upstream_ms": round(exchange.upstream_seconds * 1000, 3),
    }
    if exchange.deployment is not None:
        record["provider"] = exchange.deployment.provider.name
        record["upstream_model"] = exchange.deployment.model
    if exchange.request is not None:
        record["stream"] = exchange.request.stream
    if usage is not None:
        record["input_tokens"] = usage.input_tokens
        record["output_tokens"] = usage.output_tokens
        record["usage_estimated"] = usage.estimated
    if exchange.redactions:
        record["redactions"] = exchange.redactions
    if error is not None:
        record["error"] = error.code
    return record
