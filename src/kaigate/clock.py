"""Time as a dependency, so that tests can hold it still."""

import time
from typing import Protocol


class Clock(Protocol):
    """Wall and monotonic time in seconds."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back."""
        ...


class SystemClock:
    """The machine's own clocks."""

    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)
