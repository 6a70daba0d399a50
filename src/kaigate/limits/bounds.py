"""Which bounds a request has to pass: its key's, team's, end user's, model's and provider's."""

import hashlib
import sys
from functools import lru_cache
from typing import Final, Self

import msgspec

from kaigate.config.models import LimitSettings, LimitsSettings
from kaigate.limits.budget_window import budget_window
from kaigate.limits.model import Bound
from kaigate.money import from_usd
from kaigate.pipeline.principal import Limits, Principal

DEFAULT_WINDOW: Final = "30d"
# A longer name of an end user is counted under its digest: names come from clients, and keys of a store are short.
_MAX_USER: Final = 64
_NOTHING: Final = LimitSettings()
_CACHE: Final = 1024
MOST_REMEMBERED: Final = 4096


class Terms(msgspec.Struct, frozen=True):
    """The bounds of a request, and what has to be known of them for every one: positions, and when to warn.

    `soft` is, for each bound, what may be left at most for a warning. `metered` says that tokens or money are bounded.
    """

    bounds: tuple[Bound, ...]
    requests: tuple[int, ...]
    tokens: tuple[int, ...]
    budgets: tuple[tuple[int, str], ...]
    soft: tuple[float, ...]
    metered: bool

    @classmethod
    def of(cls, bounds: tuple[Bound, ...], soft_share: float) -> Self:
        """Terms that warn when this share of a limit is used."""
        kinds = [bound.kind for bound in bounds]
        return cls(
            bounds=bounds,
            requests=tuple(position for position, kind in enumerate(kinds) if kind == "requests"),
            tokens=tuple(position for position, kind in enumerate(kinds) if kind == "tokens"),
            budgets=tuple(
                (position, bounds[position].scope) for position, kind in enumerate(kinds) if kind == "budget"
            ),
            soft=tuple(bound.limit * (1.0 - soft_share) for bound in bounds),
            metered="tokens" in kinds or "budget" in kinds,
        )


class BoundsBook:
    """The terms of callers, made once for each until a budget window ends: the same ones for the same question."""

    def __init__(self, settings: LimitsSettings) -> None:
        self._settings = settings
        self._known: dict[tuple[str, str, str, str], tuple[Principal, int, Terms]] = {}

    def of(self, caller: Principal, user: str, model: str, provider: str, now_ms: int) -> Terms:
        """The bounds of `bounds_for`."""
        key = (caller.key_id, user, model, provider)
        known = self._known.get(key)
        if known is not None and now_ms < known[1] and (known[0] is caller or known[0] == caller):
            return known[2]
        bounds = bounds_for(self._settings, caller, user, model, provider, now_ms)
        until_ms = min((bound.ends_at_ms for bound in bounds if bound.kind == "budget"), default=sys.maxsize)
        if known is None and len(self._known) >= MOST_REMEMBERED:
            del self._known[next(iter(self._known))]
        terms = Terms.of(bounds, self._settings.soft_share)
        self._known[key] = (caller, until_ms, terms)
        return terms


def bounds_for(  # noqa: PLR0917 -- the questions stand in the order of the scopes
    settings: LimitsSettings, caller: Principal, user: str | None, model: str, provider: str, now_ms: int
) -> tuple[Bound, ...]:
    """All bounds, the caller's own first.

    `model` is the name in the allowlist, `provider` the first candidate's name. A limit of None in the key's own
    limits means the configured default, elsewhere none. The master key is bound by models and providers only. An end
    user is counted within its key: names of users mean nothing beyond it.
    """
    bounds: list[Bound] = []
    if not caller.master:
        key, team = caller.key_id, caller.team
        _add(bounds, f"key:{key}", caller.limits, settings.defaults, now_ms)
        if team:
            _add(bounds, f"team:{team}", caller.team_limits, settings.teams.get(team, _NOTHING), now_ms)
        if user:
            _add(bounds, user_scope(key, user), _INHERIT, settings.users, now_ms)
    if (of_model := settings.models.get(model)) is not None:
        _add(bounds, f"model:{model}", _INHERIT, of_model, now_ms)
    if (of_provider := settings.providers.get(provider)) is not None:
        _add(bounds, f"provider:{provider}", _INHERIT, of_provider, now_ms)
    return tuple(bounds)


def user_scope(key_id: str, user: str) -> str:
    """The scope of an end user of a key."""
    return f"user:{key_id}:{_short(user)}"


_INHERIT: Final = Limits()


def _add(bounds: list[Bound], scope: str, own: Limits, inherited: LimitSettings, now_ms: int) -> None:
    limit = own.rpm if own.rpm is not None else inherited.rpm
    if limit is not None and limit >= 0:
        bounds.append(Bound(scope, "requests", limit))
    limit = own.tpm if own.tpm is not None else inherited.tpm
    if limit is not None and limit >= 0:
        bounds.append(Bound(scope, "tokens", limit))
    limit = own.parallel if own.parallel is not None else inherited.parallel
    if limit is not None and limit >= 0:
        bounds.append(Bound(scope, "parallel", limit))
    limit = own.budget
    if limit is None and inherited.budget_usd is not None:
        limit = _nanodollars(inherited.budget_usd)
    if limit is not None and limit >= 0:
        window, ends_at_ms = budget_window(own.budget_window or inherited.budget_window or DEFAULT_WINDOW, now_ms)
        bounds.append(Bound(scope, "budget", limit, window=window, ends_at_ms=ends_at_ms))


@lru_cache(maxsize=_CACHE)
def _nanodollars(usd: float) -> int:
    return from_usd(usd)


def _short(user: str) -> str:
    if len(user) <= _MAX_USER:
        return user
    return hashlib.blake2b(user.encode(errors="surrogatepass"), digest_size=16).hexdigest()
