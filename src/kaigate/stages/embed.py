"""Asks an upstream for vectors: the plan's candidates in order, until one answers.

Each is asked once, in order; those whose failure may pass are then asked again, after a pause, as `attempt` does it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import msgspec

from kaigate.chat.embeddings import EmbeddingAnswer, EmbeddingRequest
from kaigate.chat.usage import Usage
from kaigate.clock import Clock
from kaigate.config.routing_settings import RoutingSettings
from kaigate.errors import RequestInvalidError, UnavailableError, UpstreamFailedError
from kaigate.limits.provider_limits import ProviderLimits
from kaigate.pipeline.exchange import Exchange
from kaigate.pipeline.plan import Deployment
from kaigate.pipeline.stage import Stage
from kaigate.providers.provider import EmbeddingProvider
from kaigate.routing.eligibility import may_attempt
from kaigate.routing.retries import pause_s
from kaigate.routing.state import RoutingState
from kaigate.stages.attempt import Failed, Tries, broken, ready
from kaigate.stages.upstream_bodies import CallFailedError, UpstreamBodies
from kaigate.surfaces.embedding_format import EmbeddingFormat
from kaigate.telemetry.metrics import Metrics
from kaigate.transport.errors import TransportError
from kaigate.transport.http import Deadlines, HttpClient

_MIN_LEFT_S: Final = 0.05


class Embed(Stage):
    """The innermost stage of the embeddings routes; `form` makes the client's body of the answer."""

    def __init__(
        self,
        form: EmbeddingFormat,
        client: HttpClient,
        metrics: Metrics,
        clock: Clock,
        *,
        routing: RoutingSettings,
        state: RoutingState,
        limits: ProviderLimits | None = None,
    ) -> None:
        """`limits` are those of the providers, as they told them; None learns nothing."""
        self._form = form
        self._metrics = metrics
        self._monotonic = clock.monotonic
        self._routing = routing
        self._state = state
        self._limits = limits
        self._bodies = UpstreamBodies(client, limits, max_bytes=routing.max_answer_bytes)

    async def enter(self, exchange: Exchange) -> None:
        request = exchange.embedding
        if request is None:
            raise UnavailableError("internal_error", "The request was not parsed.")
        candidates = _able(ready(exchange, self._limits))
        if self._state.settings is not self._routing:
            self._state.configure(self._routing)
        self._state.retries.earn()
        tries = Tries(self._monotonic() + max(each.deadlines.total_s for each in candidates))
        answer = await self._first(exchange, request, candidates, tries)
        if answer is None:
            answer = await self._again(exchange, request, tries)
        if answer is None:
            raise tries.failure or UnavailableError(
                "upstream_unavailable", "No deployment can serve this model now.", retry_after=1
            )
        self._deliver(exchange, request, answer)

    def _deliver(self, exchange: Exchange, request: EmbeddingRequest, answer: EmbeddingAnswer) -> None:
        deployment = exchange.deployment
        if deployment is None:
            raise UnavailableError("internal_error", "Nobody answered this request.")
        if answer.usage is None:
            answer = msgspec.structs.replace(answer, usage=Usage(exchange.input_tokens, 0, estimated=True))
        exchange.usage = answer.usage
        exchange.static_body = self._form.encode(answer, request, deployment.provider.name)

    async def _first(
        self, exchange: Exchange, request: EmbeddingRequest, candidates: Sequence[Deployment], tries: Tries
    ) -> EmbeddingAnswer | None:
        """Ask each candidate once."""
        for candidate in candidates:
            if self._over(tries):
                return None
            answer = await self._try(exchange, request, candidate, tries)
            if answer is not None:
                return answer
        return None

    async def _again(self, exchange: Exchange, request: EmbeddingRequest, tries: Tries) -> EmbeddingAnswer | None:
        """Repeat, after a pause, what may have passed."""
        number = 0
        while tries.again and not self._over(tries):
            candidate, retry_after = tries.again.pop(0)
            left = tries.deadline - self._monotonic()
            pause = pause_s(self._routing.retries, number, retry_after, left, self._state.jitter)
            if pause is None:
                continue
            await asyncio.sleep(pause)
            number += 1
            answer = await self._try(exchange, request, candidate, tries)
            if answer is not None:
                return answer
        return None

    def _over(self, tries: Tries) -> bool:
        """Whether there is no right or no time to ask anybody else."""
        spent = tries.made >= self._routing.max_attempts
        return tries.final or spent or tries.deadline - self._monotonic() < _MIN_LEFT_S

    async def _try(
        self, exchange: Exchange, request: EmbeddingRequest, candidate: Deployment, tries: Tries
    ) -> EmbeddingAnswer | None:
        """One attempt, unless its breaker or the budget of repetitions forbids it; None where it gave no answer."""
        health, provider = self._state.health, candidate.provider.name
        if health.wait_s(candidate) or (provider in tries.asked and not self._state.retries.spend()):
            return None
        left = tries.deadline - self._monotonic()
        if candidate.pin is not None and not await self._state.digests.confirmed(candidate.pin, left):
            return None
        if not health.admit(candidate):
            return None
        if tries.made and candidate is not exchange.deployment:
            self._metrics.fallbacks.labels(exchange.model, provider).inc()
        left = tries.deadline - self._monotonic()
        deadlines = replace(candidate.deadlines, total_s=min(candidate.deadlines.total_s, left))
        try:
            outcome = await self._ask(exchange, request, candidate, deadlines)
        except RequestInvalidError:
            if tries.failure is None or exchange.deployment is candidate:
                raise
            # It can't be asked this at all: what the client is told is why it came to be considered.
            return None
        if isinstance(outcome, EmbeddingAnswer):
            return outcome
        self._metrics.upstream_errors.labels(provider, outcome.error.code).inc()
        tries.note(candidate, outcome)
        return None

    async def _ask(
        self, exchange: Exchange, request: EmbeddingRequest, deployment: Deployment, deadlines: Deadlines
    ) -> EmbeddingAnswer | Failed:
        """Authorise this attempt, make its calls, and tell the health book what came of it."""
        failed: Failed | None = None
        answer: EmbeddingAnswer | None = None
        started = self._monotonic()
        try:
            answer = await self._vectors(exchange, request, deployment, deadlines)
        except CallFailedError as error:
            failed = error.failed
        except TransportError as error:
            self._state.digests.failed(deployment, error)
            failed = broken(error, deployment, self._metrics)
        except UpstreamFailedError as error:
            failed = Failed(error, again=False)
        finally:
            seconds = self._monotonic() - started
            exchange.upstream_seconds += seconds
            if answer is not None:
                self._state.health.succeeded(deployment, seconds, stream=False)
            elif failed is None or failed.blameless:
                self._state.health.released(deployment)
            else:
                self._state.health.failed(deployment)
        if answer is not None:
            return answer
        if failed is None:
            raise UnavailableError("internal_error", "The attempt ended without an outcome.")
        return failed

    async def _vectors(
        self, exchange: Exchange, request: EmbeddingRequest, deployment: Deployment, deadlines: Deadlines
    ) -> EmbeddingAnswer:
        routed, provider = exchange.request, deployment.provider
        if routed is None or not may_attempt(deployment, routed, exchange.principal, private=exchange.private):
            raise UnavailableError("no_private_provider", "This request may not be sent to a provider of the plan.")
        if not isinstance(provider, EmbeddingProvider):
            raise _unable()
        calls = provider.encode_embeddings(request, model=deployment.model)
        exchange.deployment = deployment
        exchange.dropped_params = tuple(dict.fromkeys(name for call in calls for name in call.dropped))
        bodies = await self._bodies.of(calls, deployment, deadlines, private=exchange.private)
        return provider.decode_embeddings(bodies, request)


def _able(candidates: Sequence[Deployment]) -> Sequence[Deployment]:
    """Those whose providers make vectors; raises `RequestInvalidError` where none does."""
    able = [each for each in candidates if isinstance(each.provider, EmbeddingProvider)]
    if not able:
        raise _unable()
    return able


def _unable() -> RequestInvalidError:
    return RequestInvalidError(
        "unsupported_parameter",
        "The providers of this model make no embeddings: name an embedding model of GET /v1/models.",
        param="model",
    )
