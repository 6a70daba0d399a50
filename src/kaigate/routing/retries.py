"""When a provider may be asked once more, and how long to wait before."""

from collections.abc import Callable

from kaigate.config.routing_settings import RetrySettings


class RetryBudget:
    """A bucket that every request fills a little and every repetition empties by one.

    While a provider is down, repetitions are then a bounded share of the load, instead of a multiple of it.
    """

    __slots__ = ("_ratio", "_reserve", "_saved")

    def __init__(self, settings: RetrySettings) -> None:
        self._ratio = settings.budget_ratio
        self._reserve = float(settings.budget_reserve)
        self._saved = self._reserve

    def configure(self, settings: RetrySettings) -> None:
        """Use other settings from now on."""
        self._ratio = settings.budget_ratio
        self._reserve = float(settings.budget_reserve)
        self._saved = min(self._saved, self._reserve)

    def earn(self) -> None:
        """A request began."""
        if self._saved < self._reserve:
            self._saved = min(self._reserve, self._saved + self._ratio)

    def spend(self) -> bool:
        """Take one repetition; False where none is left."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True


def pause_s(
    settings: RetrySettings, number: int, retry_after: float | None, left_s: float, jitter: Callable[[], float]
) -> float | None:
    """Seconds to wait before repetition `number` (from 0), or None where it is not worth waiting.

    Half of the pause is random (`jitter` gives 0 to 1), so that requests that failed together don't return together.
    A longer `retry_after` is honoured up to its bound; `left_s` is what remains until the request's deadline.
    """
    pause: float = min(settings.max_backoff_s, settings.backoff_s * 2**number)
    pause *= 0.5 + 0.5 * jitter()
    if retry_after is not None and retry_after > pause:
        if retry_after > settings.max_retry_after_s:
            return None
        pause = retry_after
    return pause if pause < left_s else None
