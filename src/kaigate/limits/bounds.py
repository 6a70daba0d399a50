"""Which bounds a request has to pass: its key's, team's, end user's, model's and provider's."""

import hashlib
from functools import lru_cache
from typing import Final

from kaigate.config.models import KeyLimits, LimitSettings, LimitsSettings
from kaigate.limits.budget_window import budget_window
from kaigate.limits.model import Bound
from kaigate.money import from_usd
from kaigate.pipeline.principal import UNLIMITED, Limits, Principal

DEFAULT_WINDOW: Final = "30d"
# A longer name of an end user is counted under its digest: names come from clients, and keys of a store are short.
_MAX_USER: Final = 64
_NOTHING: Final = LimitSettings()
_CACHE: Final = 1024


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


def explicit_limits(preset: KeyLimits) -> Limits:
    """A preset as the limits of a key that inherits nothing."""
    return Limits(
        rpm=_explicit(preset.rpm),
        tpm=_explicit(preset.tpm),
        parallel=_explicit(preset.parallel),
        budget=UNLIMITED if preset.budget_usd is None else _nanodollars(preset.budget_usd),
        budget_window=preset.budget_window,
        max_input_tokens=_explicit(preset.max_input_tokens),
    )


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


def _explicit(limit: int | None) -> int:
    return UNLIMITED if limit is None else limit


def _short(user: str) -> str:
    if len(user) <= _MAX_USER:
        return user
    return hashlib.blake2b(user.encode(errors="surrogatepass"), digest_size=16).hexdigest()
