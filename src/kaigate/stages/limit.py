"""Admits a request under every limit that applies to it, and settles what it really used."""

import itertools
import operator
import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import msgspec

from kaigate.chat.request import ChatRequest
from kaigate.chat.usage import Usage
from kaigate.clock import Clock
from kaigate.config.models import LimitsSettings
from kaigate.errors import LimitExceededError, RequestInvalidError, UnavailableError
from kaigate.ledger.record import Outcome, RecordForm
from kaigate.limits.bounds import BoundsBook, Terms
from kaigate.limits.headers import rate_limit_lines
from kaigate.limits.model import Ask, Bound, Settlement, StoreError, Verdict
from kaigate.pipeline.exchange import Exchange
from kaigate.pipeline.plan import Deployment, ModelEntry
from kaigate.pipeline.principal import Principal
from kaigate.pipeline.stage import Stage
from kaigate.pricing.prices import FREE, Price
from kaigate.telemetry.limit_metrics import LimitMetrics
from kaigate.tokens.estimate import estimate

PriceOf = Callable[[ModelEntry, Deployment, str], Price | None]
"""The price of a deployment in a service tier, which is empty where the request names none."""

# As long as a price is taken to be the same, and callers with models at a time.
_PRICED_MS: Final = 60_000
_MOST_KNOWN: Final = 4096
_USER: Final = re.compile(rb"[!-~]{1,128}")
_NEVER: Final = "This request alone is larger than the limit of {what}: send less, or ask for a larger limit."
_WHAT: Final = {
    "requests": "requests per minute",
    "tokens": "tokens per minute",
    "parallel": "parallel requests",
    "budget": "the budget",
}


class Limiter(Protocol):
    """The counters, whichever store keeps them."""

    def admit(self, ask: Ask) -> Verdict | Awaitable[Verdict]:
        """Reserve under all bounds, or under none; raises `StoreError` where failing closed is configured."""
        ...

    def settle(self, settlement: Settlement) -> None:
        """Replace a reservation by the truth, soon; never fails, never loses the record."""
        ...


class _Known:
    """What the requests of a caller for a model share: terms, prices by deployment, and the form of their records."""

    __slots__ = ("_names", "form", "labels", "prices", "provider", "terms", "tier", "until_ms")

    def __init__(  # noqa: PLR0917
        self,
        terms: Terms,
        until_ms: int,
        user: str,
        surface: str,
        provider: str,
        tier: str,
        labels: tuple[str, str, str],
    ) -> None:
        self.terms = terms
        self.until_ms = until_ms
        self.provider = provider
        self.tier = tier
        self.labels = labels
        self.prices: dict[int, tuple[Deployment, Price]] = {}
        self._names = (user, surface)
        self.form = self.form_of(provider)

    def form_of(self, provider: str) -> RecordForm:
        """The form of records of another provider than the first candidate's."""
        key_id, team, model = self.labels
        user, surface = self._names
        return RecordForm(key_id=key_id, team=team, user=user, model=model, provider=provider, surface=surface)


class _Held(msgspec.Struct):
    """What an exchange holds: its reservation, and the cost computed last."""

    ask: Ask
    known: _Known
    usage: Usage | None = None
    answered_by: Deployment | None = None
    cost: int = 0

    def cost_of(self, deployment: Deployment | None, usage: Usage) -> int:
        """Nano-dollars of a usage at the price of the deployment that was asked last."""
        if usage is not self.usage or deployment is not self.answered_by:
            self.usage, self.answered_by = usage, deployment
            priced = self.known.prices.get(id(deployment))
            self.cost = 0 if priced is None or priced[1] is FREE else priced[1].cost(usage)
        return self.cost


class Limit(Stage):
    """One atomic step on the way in, one on the way out.

    Reserved is the upper bound: counted input and the output ceiling, which is sent upstream so that the bound holds,
    at the price of the dearest candidate. A refused request has used nothing.
    """

    def __init__(
        self,
        limiter: Limiter,
        settings: LimitsSettings,
        price_of: PriceOf,
        *,
        metrics: LimitMetrics,
        clock: Clock,
        surface: str = "",
    ) -> None:
        """`surface` is what the ledger is told where the client format's own name would not say what was asked."""
        self._limiter = limiter
        self._settings = settings
        self._bounds = BoundsBook(settings)
        # Ids are unique for ever: a name of this stage's own and a number.
        self._name = secrets.token_hex(12)
        self._numbers = itertools.count()
        self._price_of = price_of
        self._metrics = metrics
        self._clock = clock
        self._surface = surface
        self._known: dict[tuple[int, str, str], _Known] = {}
        self._lease_ms = round(settings.reservation_s * 1000)

    def enter(self, exchange: Exchange) -> Awaitable[None] | None:
        held = self._asked(exchange)
        try:
            verdict = self._limiter.admit(held.ask)
        except StoreError:
            raise _unavailable() from None
        if isinstance(verdict, Verdict):
            self._decide(exchange, held, verdict)
            return None
        return self._later(exchange, held, verdict)

    async def _later(self, exchange: Exchange, held: _Held, waiting: Awaitable[Verdict]) -> None:
        try:
            verdict = await waiting
        except StoreError:
            raise _unavailable() from None
        self._decide(exchange, held, verdict)

    def leave(self, exchange: Exchange) -> None:
        held = exchange.reservation
        if not isinstance(held, _Held):
            return
        ask = held.ask
        usage = _used(exchange)
        exchange.estimate = None
        deployment = exchange.deployment
        cost = held.cost_of(deployment, usage)
        provider = deployment.provider.name if deployment is not None else ""
        known = held.known
        form = known.form if provider == known.provider else known.form_of(provider)
        record = form.record(ask.id, ask.at_ms, exchange.request_id, _outcome(exchange), cost, usage)
        if cost:
            key_id, team, model = known.labels
            self._metrics.cost.add((key_id, team, model, provider), cost)
        self._limiter.settle(Settlement(ask.id, ask.bounds, usage.total_tokens, cost, record))

    def _asked(self, exchange: Exchange) -> _Held:
        request, entry, caller, plan = exchange.request, exchange.entry, exchange.principal, exchange.plan
        if request is None or entry is None or caller is None or plan is None:
            raise UnavailableError("internal_error", "The request was not planned.")
        candidates = plan.candidates
        now_ms = int(self._clock.now() * 1000)
        exchange.user = _user(exchange, caller, request.user)
        provider = candidates[0].provider.name
        terms = self._bounds.of(caller, exchange.user, entry.name, provider, now_ms)
        tokens_in = exchange.input_tokens or estimate(request)
        tokens_out = exchange.output_ceiling
        if tokens_out is None:
            tokens_out = self._settings.default_output_tokens
            if terms.metered:
                exchange.output_ceiling = tokens_out
        tokens_out *= request.sampling.n or 1
        known = self._known_of(exchange, caller, entry, terms, provider, now_ms)
        most = 0
        for each in candidates:
            priced = known.prices.get(id(each))
            if priced is None:
                priced = (each, self._price(entry, each, known.tier))
                # Kept with its deployment, so that no other one can have its id.
                known.prices[id(each)] = priced
            if priced[1] is not FREE:
                most = max(most, priced[1].upper_bound(tokens_in, tokens_out))
        made = f"{self._name}{next(self._numbers):x}"
        bound = Usage(tokens_in, tokens_out, estimated=True)
        record = known.form.record(made, now_ms, exchange.request_id, "failed", most, bound)
        ask = Ask(made, terms.bounds, tokens_in + tokens_out, most, self._lease_ms, record, now_ms)
        return _Held(ask, known)

    def _known_of(  # noqa: PLR0917
        self, exchange: Exchange, caller: Principal, entry: ModelEntry, terms: Terms, provider: str, now_ms: int
    ) -> "_Known":
        """What requests of the same terms share, for a minute: after that a price may be another."""
        surface = self._surface or exchange.surface.name
        tier = _service_tier(exchange.request)
        key = (id(terms), surface, tier)
        known = self._known.get(key)
        if known is None or known.terms is not terms or now_ms >= known.until_ms:
            names = (caller.key_id, caller.team, entry.name)
            known = _Known(terms, now_ms + _PRICED_MS, exchange.user, surface, provider, tier, names)
            if key not in self._known and len(self._known) >= _MOST_KNOWN:
                del self._known[next(iter(self._known))]
            self._known[key] = known
        return known

    def _price(self, entry: ModelEntry, deployment: Deployment, tier: str) -> Price:
        price = self._price_of(entry, deployment, tier)
        if price is not None:
            return price
        if self._settings.allow_unpriced:
            return FREE
        raise RequestInvalidError(
            "model_not_priced",
            "The price of this model is not known, so that no budget can hold it. "
            "Ask the operator to set models.<name>.price or limits.allow_unpriced.",
            param="model",
        )

    def _decide(self, exchange: Exchange, held: _Held, verdict: Verdict) -> None:
        ask = held.ask
        exchange.limit_lines = rate_limit_lines(held.known.terms, verdict)
        if verdict.refused < 0:
            exchange.reservation = held
            exchange.charge = held.cost_of
            self._note(held, verdict)
            return
        bound = ask.bounds[verdict.refused]
        self._metrics.refused(bound)
        what = f"{_WHAT[bound.kind]} of {_owner(bound)}"
        if bound.kind == "budget":
            exchange.response_headers.append((b"x-should-retry", b"false"))
            raise LimitExceededError(
                "budget_exceeded",
                f"{what[0].upper()}{what[1:]} is used up until the window ends, or does not hold this request.",
                retry_after=verdict.retry_after_ms / 1000,
            )
        if not verdict.retry_after_ms:
            raise LimitExceededError("rate_limit_exceeded", _NEVER.format(what=what), retry_after=60)
        raise LimitExceededError(
            "rate_limit_exceeded",
            f"The limit of {bound.limit} {what} is reached: try again in {verdict.retry_after_ms / 1000:.1f} s.",
            retry_after=verdict.retry_after_ms / 1000,
        )

    def _note(self, held: _Held, verdict: Verdict) -> None:
        """What is left of budgets, for the metrics, and a warning of each limit that is nearly reached."""
        terms, standings, metrics = held.known.terms, verdict.standings, self._metrics
        if not standings:
            return
        left = [standing.remaining for standing in standings]
        for position, scope in terms.budgets:
            metrics.budgets.set(scope, left[position])
        if any(map(operator.le, left, terms.soft)):
            for bound, least, remaining in zip(terms.bounds, terms.soft, left, strict=True):
                if remaining <= least:
                    metrics.soft_limit(bound, remaining, held.ask.at_ms / 1000)


def _service_tier(request: ChatRequest | None) -> str:
    """The tier that the request asks for: its price is another."""
    if request is None or not request.extra:
        return ""
    tier = request.extra.get("service_tier")
    return tier if isinstance(tier, str) else ""


def _used(exchange: Exchange) -> Usage:
    """What the exchange is charged for: nothing where no upstream answered, an estimate where nobody reported."""
    if exchange.usage is not None:
        return exchange.usage
    if exchange.estimate is not None:
        return exchange.estimate()
    if exchange.client_gone and exchange.deployment is not None:
        # The upstream read the prompt, whatever became of the answer.
        return Usage(exchange.input_tokens, 0, estimated=True)
    return Usage(0, 0)


def _outcome(exchange: Exchange) -> Outcome:
    if exchange.client_gone:
        return "gone"
    if exchange.error is None:
        return "ok"
    return "blocked" if exchange.error.code == "content_policy_violation" else "failed"


def _user(exchange: Exchange, caller: Principal, of_body: str | None) -> str:
    """The end user that the client names, where its key is believed."""
    if caller.end_users == "ignored":
        return ""
    given = exchange.headers.get(b"x-kaigate-user")
    if given is None and of_body is None and caller.end_users == "required":
        raise RequestInvalidError("invalid_request", "This key must name its end user: send x-kaigate-user.")
    if given is None:
        given = of_body.encode() if of_body is not None else None
    elif not _USER.fullmatch(given):
        raise RequestInvalidError(
            "invalid_request", "The header x-kaigate-user must be 1 to 128 printable characters without spaces."
        )
    return given.decode() if given is not None and _USER.fullmatch(given) else ""


def _owner(bound: Bound) -> str:
    """Whose limit it is, without a name that is not the caller's own."""
    scope = bound.scope.partition(":")[0]
    return {"key": "this key", "team": "its team", "user": "this user", "model": "this model"}.get(
        scope, "the provider"
    )


def _unavailable() -> UnavailableError:
    return UnavailableError(
        "store_unavailable", "Limits can not be checked now, and requests are refused without.", retry_after=1
    )
