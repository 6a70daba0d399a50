"""Asks the upstream: tries the plan's candidates until one begins to answer.

Each candidate is asked once, in order; those whose failure may pass are then asked again, after a pause. Nothing is
tried again once content was decoded. Refusals of the request itself, whoever makes them, are final.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import msgspec

from kaigate.chat.request import ChatRequest
from kaigate.clock import Clock
from kaigate.config.routing_settings import RoutingSettings
from kaigate.errors import LimitExceededError, RequestInvalidError, UnavailableError, UpstreamFailedError
from kaigate.limits.provider_limits import ProviderLimits
from kaigate.pipeline.exchange import Exchange
from kaigate.pipeline.plan import Deployment
from kaigate.pipeline.stage import Stage
from kaigate.providers.provider import Headers, Signer, UpstreamCall
from kaigate.routing.digests import place_of
from kaigate.routing.eligibility import may_attempt
from kaigate.routing.retries import pause_s
from kaigate.routing.state import RoutingState
from kaigate.stages.upstream_answer import UpstreamAnswer, translated
from kaigate.telemetry.metrics import Metrics
from kaigate.transport.errors import (
    ConnectFailed,
    ConnectTimeout,
    EgressRefused,
    FirstByteTimeout,
    InvalidRequest,
    PoolTimeout,
    TransportError,
    Truncated,
)
from kaigate.transport.http import Deadlines, HttpClient, Response, Target

_MAX_ERROR_BYTES: Final = 65_536
_MIN_LEFT_S: Final = 0.05
_PASSING: Final = frozenset({429, 500, 502, 503, 529})
"""Statuses that the same server may not repeat: it is overloaded, restarting, or failed on this request only."""
_TOO_MANY: Final = 429
_OWN_FAULT: Final = (EgressRefused, InvalidRequest, PoolTimeout)
"""What says nothing about the upstream: it was not asked."""
_BRIEF: Final = (ConnectFailed, ConnectTimeout, Truncated)
"""What a restart looks like. A server that is slow is not asked again: it would have twice the work."""


class Failed(msgspec.Struct, frozen=True):
    """An attempt without an answer.

    `again` says that the same deployment may do better in a moment, `blameless` that its health is not in question.
    """

    error: UpstreamFailedError
    again: bool
    blameless: bool = False


class Tries(msgspec.Struct):
    """What became of an exchange's attempts so far. `deadline` is monotonic; `again` may be repeated."""

    deadline: float
    made: int = 0
    failure: UpstreamFailedError | None = None
    asked: set[str] = msgspec.field(default_factory=set)
    again: list[tuple[Deployment, float | None]] = msgspec.field(default_factory=list)

    def note(self, candidate: Deployment, failed: Failed) -> None:
        """Remember a failed attempt."""
        self.made += 1
        self.asked.add(candidate.provider.name)
        self.failure = failed.error
        if failed.again:
            self.again.append((candidate, failed.error.retry_after))

    @property
    def final(self) -> bool:
        """Whether nobody else may be asked."""
        return self.failure is not None and not self.failure.may_fall_back


class Attempt(Stage):
    """The upstream calls of an exchange."""

    def __init__(
        self,
        client: HttpClient,
        metrics: Metrics,
        clock: Clock,
        *,
        routing: RoutingSettings,
        state: RoutingState,
        limits: ProviderLimits | None = None,
    ) -> None:
        """`limits` are those of the providers, as they told them; None learns nothing."""
        self._limits = limits
        self._client = client
        self._clock = clock
        self._max_attempts = routing.max_attempts
        self._max_answer_bytes = routing.max_answer_bytes
        self._settings = routing.retries
        self._routing = routing
        self._state = state
        self._digests = state.digests
        self._health = state.health
        self._budget = state.retries
        self._jitter = state.jitter
        self.metrics = metrics
        self.monotonic = clock.monotonic

    async def enter(self, exchange: Exchange) -> None:
        candidates = ready(exchange, self._limits)
        if self._state.settings is not self._routing:
            # The first request of this configuration: here, since a configuration is built outside of the event loop.
            self._state.configure(self._routing)
        self._budget.earn()
        first = candidates[0]
        outcome = None
        if (first.pin is None or self._digests.doubt(first.pin) is None) and (
            first.name not in self._health.troubled or self._health.admit(first)
        ):
            outcome = await self._open(exchange, first, first.deadlines)
            if type(outcome) is UpstreamAnswer:
                exchange.answer = outcome
                return
        begun = self.monotonic() - exchange.upstream_seconds
        tries = Tries(begun + max(each.deadlines.total_s for each in candidates))
        if isinstance(outcome, Failed):
            self._note(tries, first, outcome)
        await self._go_on(exchange, candidates[1:], tries)
        if exchange.answer is None:
            raise tries.failure or UnavailableError(
                "upstream_unavailable", "No deployment can serve this model now.", retry_after=1
            )

    async def _go_on(self, exchange: Exchange, others: Sequence[Deployment], tries: Tries) -> None:
        """Fall back to the others in turn, then repeat, after a pause, what may have passed."""
        for candidate in others:
            if self._over(exchange, tries):
                return
            await self._try(exchange, candidate, tries)
        number = 0
        while tries.again and not self._over(exchange, tries):
            candidate, retry_after = tries.again.pop(0)
            left = tries.deadline - self.monotonic()
            pause = pause_s(self._settings, number, retry_after, left, self._jitter)
            if pause is not None:
                await asyncio.sleep(pause)
                number += 1
                await self._try(exchange, candidate, tries)

    def _over(self, exchange: Exchange, tries: Tries) -> bool:
        """Whether there is an answer, or no right or no time to try for one."""
        return (
            exchange.answer is not None
            or tries.final
            or tries.made >= self._max_attempts
            or tries.deadline - self.monotonic() < _MIN_LEFT_S
        )

    async def _try(self, exchange: Exchange, candidate: Deployment, tries: Tries) -> None:
        """Make one more attempt, unless its breaker or the budget of repetitions forbids it."""
        provider = candidate.provider.name
        if self._health.wait_s(candidate) or (provider in tries.asked and not self._budget.spend()):
            return
        left = tries.deadline - self.monotonic()
        if candidate.pin is not None and not await self._digests.confirmed(candidate.pin, left):
            return
        if not self._health.admit(candidate):
            return
        if tries.made and candidate is not exchange.deployment:
            self.metrics.fallbacks.labels(exchange.model, provider).inc()
        left = tries.deadline - self.monotonic()
        deadlines = replace(candidate.deadlines, total_s=min(candidate.deadlines.total_s, left))
        try:
            outcome = await self._open(exchange, candidate, deadlines)
        except RequestInvalidError:
            if tries.failure is None or exchange.deployment is candidate:
                raise
            # It can't be asked this at all: what the client is told is why it came to be considered.
            return
        if isinstance(outcome, Failed):
            self._note(tries, candidate, outcome)
        else:
            exchange.answer = outcome

    def _note(self, tries: Tries, candidate: Deployment, failed: Failed) -> None:
        self.metrics.upstream_errors.labels(candidate.provider.name, failed.error.code).inc()
        tries.note(candidate, failed)

    async def _open(self, exchange: Exchange, deployment: Deployment, deadlines: Deadlines) -> UpstreamAnswer | Failed:
        """Authorise this attempt, send it, wait for its first frames, and tell the health book what came of it."""
        request, provider = exchange.request, deployment.provider
        if request is None:
            raise UnavailableError("internal_error", "The request was not parsed.")
        answer: UpstreamAnswer | None = None
        failed: Failed | None = None
        started = self.monotonic()
        try:
            call = self._call(exchange, request, deployment)
            exchange.deployment = deployment
            exchange.dropped_params = call.dropped
            path = deployment.base_path + call.path
            signer = provider.signer
            response = await self._client.send(
                deployment.target,
                call.method,
                path,
                call.headers
                if signer is None
                else await signed(signer, call, deployment.target, path, deadlines.first_byte_s),
                call.body,
                deadlines,
                required_zone="private" if exchange.private else None,
                repeat=deployment.pin is None,
            )
            answer = UpstreamAnswer(self, exchange, response, provider.decoder(request), deployment)
            if self._limits is not None:
                self._limits.learn(deployment.name, response.status, response.headers)
            if response.status != 200:
                failed = await refused(deployment, response)
                return failed
            if request.stream:
                await answer.prime()
            else:
                arrived = response.arrived(self._max_answer_bytes)
                answer.complete(await response.read(self._max_answer_bytes) if arrived is None else arrived)
        except TransportError as error:
            self._digests.failed(deployment, error)
            failed = broken(error, deployment, self.metrics)
            return failed
        except UpstreamFailedError as error:
            failed = Failed(error, again=False)
            return failed
        finally:
            now = self.monotonic()
            seconds = now - started
            exchange.upstream_seconds += seconds
            if answer is not None and answer.ready:
                self._health.succeeded(deployment, seconds, stream=request.stream, now=now)
            else:
                if answer is not None:
                    answer.close()
                self._judge(deployment, failed)
        return answer

    def _judge(self, deployment: Deployment, failed: Failed | None) -> None:
        """Tell the health book of an attempt without an answer; None is one that ended for other reasons."""
        if failed is None or failed.blameless:
            self._health.released(deployment)
        else:
            self._health.failed(deployment)

    def _call(self, exchange: Exchange, request: ChatRequest, deployment: Deployment) -> UpstreamCall:
        """The request in the upstream's format, if this attempt is authorised."""
        if not may_attempt(deployment, request, exchange.principal, private=exchange.private):
            raise UnavailableError("no_private_provider", "This request may not be sent to a provider of the plan.")
        ceiling, most = exchange.output_ceiling, deployment.max_tokens
        if most is not None and (ceiling is None or ceiling > most):
            ceiling = most
        return deployment.provider.encode(request, model=deployment.model, max_output_tokens=ceiling)

    def broke_off(self, deployment: Deployment, error: UpstreamFailedError) -> None:
        """An answer that had begun failed: too late to try again, but not to learn from."""
        self._health.failed(deployment)
        if error.code != "upstream_timeout":
            self._digests.lost(place_of(deployment.target, deployment.base_path))
        self.metrics.upstream_errors.labels(deployment.provider.name, error.code).inc()


def ready(exchange: Exchange, limits: ProviderLimits | None) -> Sequence[Deployment]:
    """The candidates whose providers would not refuse for limits of their own, which their answers told."""
    plan = exchange.plan
    if plan is None or not plan.candidates:
        raise UnavailableError("internal_error", "The request was not planned.")
    candidates = plan.candidates
    if limits is None:
        return candidates
    tokens = exchange.input_tokens + (exchange.output_ceiling or 0)
    waits = [limits.wait_s(candidate.name, tokens) for candidate in candidates]
    if not any(waits):
        return candidates
    able = [candidate for candidate, wait in zip(candidates, waits, strict=True) if not wait]
    if not able:
        raise LimitExceededError(
            "rate_limit_exceeded", "The provider's own limit is reached: try again later.", retry_after=min(waits)
        )
    return able


async def signed(signer: Signer, call: UpstreamCall, target: Target, path: str, timeout_s: float) -> Headers:
    """The headers with the upstream's credential, which may have to be fetched first.

    Raises `FirstByteTimeout` after `timeout_s`, and what the signer raises.
    """
    found = signer.sign(call, host=target.origin.authority, path=path)
    if isinstance(found, Sequence):
        return found
    try:
        async with asyncio.timeout(timeout_s):
            return await found
    except TimeoutError as error:
        raise FirstByteTimeout("the upstream's credential was not there in time") from error


def broken(error: TransportError, deployment: Deployment, metrics: Metrics) -> Failed:
    """What a failure of the transport means."""
    failure = translated(error, deployment.provider.name, metrics)
    return Failed(failure, again=isinstance(error, _BRIEF), blameless=isinstance(error, _OWN_FAULT))


async def refused(deployment: Deployment, response: Response) -> Failed:
    """What an answer with an error status means; raises what is the request's own fault."""
    body = await response.read(_MAX_ERROR_BYTES)
    error = deployment.provider.failure(response.status, response.headers, body)
    if not isinstance(error, UpstreamFailedError):
        raise error
    # Who says that it is busy is well; when it may be asked again is kept with its own limits.
    busy = response.status == _TOO_MANY
    return Failed(error, again=response.status in _PASSING, blameless=busy)
