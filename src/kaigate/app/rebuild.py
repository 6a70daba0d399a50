"""Budget counters from the ledger: what a store that lost its memory has to know before it may admit again."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Final

from kaigate.config.models import LimitSettings, LimitsSettings
from kaigate.ledger.sql import Ledger, Spent, Window
from kaigate.limits.bounds import user_scope
from kaigate.limits.budget_window import budget_window
from kaigate.limits.model import Bound

_DAY_MS: Final = 86_400_000
_COMMON: Final = ("day", "week", "month", "30d")


async def spent_budgets(
    ledger: Ledger, settings: LimitsSettings, specs: Iterable[str], now_ms: int
) -> list[tuple[Bound, int]]:
    """Budget counters, as bounds with the nano-dollars spent, of every window that is open at `now_ms`.

    `specs` are windows of keys that the configuration does not name.
    """
    windows: dict[Window, list[tuple[str, int]]] = {}
    for scope in ("key", "team", "user", "model", "provider"):
        for spec in _specs(scope, settings, specs):
            name, ends_at_ms = budget_window(spec, now_ms)
            window = Window(scope, _begin_ms(spec, now_ms))
            windows.setdefault(window, []).append((name, ends_at_ms))
    found = await ledger.spent(windows)
    return [
        (Bound(_scope(spent), "budget", 0, window=name, ends_at_ms=ends_at_ms), spent.nanodollars)
        for spent in found
        for name, ends_at_ms in windows[spent.window]
    ]


def _specs(scope: str, settings: LimitsSettings, further: Iterable[str]) -> set[str]:
    if scope == "key":
        named = {settings.defaults.budget_window, *(each.budget_window for each in settings.presets.values())}
        return {*_COMMON, *named, *further}
    return {each.budget_window for each in _sections(scope, settings) if each.budget_window is not None}.union(
        {*_COMMON, *further} if scope == "team" else ()
    )


def _sections(scope: str, settings: LimitsSettings) -> Iterator[LimitSettings]:
    if scope == "user":
        yield settings.users
    else:
        yield from getattr(settings, f"{scope}s").values()


def _begin_ms(spec: str, now_ms: int) -> int:
    """The first moment of the window: the latest midnight whose own window is this one, looked for backwards."""
    day = now_ms - now_ms % _DAY_MS
    name = budget_window(spec, now_ms)[0]
    while budget_window(spec, day - _DAY_MS)[0] == name:
        day -= _DAY_MS
    return day


def _scope(spent: Spent) -> str:
    if spent.window.scope == "user":
        return user_scope(spent.name, spent.user)
    return f"{spent.window.scope}:{spent.name}"


Rebuild = Callable[[], Awaitable[list[tuple[Bound, int]]]]
