"""A clock that stands still until a test moves it."""


class HeldClock:
    """Wall and monotonic time in seconds, from a day in 2026 on."""

    def __init__(self, time: float = 1_790_000_000.0) -> None:
        self.time = time

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.time

    def monotonic(self) -> float:
        """The same seconds."""
        return self.time
