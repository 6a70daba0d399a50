"""The in-process counters of one budget window."""

from typing import Final

from kaigate.limits.verdicts import NEVER

# A counter outlives its window by this much, for requests that were admitted in it and settle later.
GRACE_MS: Final = 2 * 86_400_000


class Budget:
    """Nano-dollars spent and reserved in the window that ends at `ends_at_ms`; neither is ever negative."""

    __slots__ = ("ends_at_ms", "reserved", "spent")

    def __init__(self, ends_at_ms: int) -> None:
        self.ends_at_ms = ends_at_ms
        self.spent = 0
        self.reserved = 0

    @property
    def used(self) -> int:
        """What an ask has to fit beside."""
        return self.spent + self.reserved

    def refusal_ms(self, limit: int, weight: int, now_ms: int) -> int:
        """Milliseconds until the next window begins: 0 when the ask fits now, NEVER when it fits no window."""
        if self.spent + self.reserved + weight <= limit:
            return 0
        return max(1, self.ends_at_ms - now_ms) if weight <= limit else NEVER

    def settle(self, reserved: int, spent: int) -> None:
        """Replace a reservation by what was spent."""
        self.reserved = max(0, self.reserved - reserved)
        self.spent += spent

    def correct(self, charged: int, spent: int) -> None:
        """Replace what was charged by what was spent."""
        self.spent = max(0, self.spent - charged + spent)

    def whole_in_ms(self, now_ms: int) -> int:
        """Milliseconds until the window ends."""
        return self.ends_at_ms - now_ms

    def idle(self, now_ms: int) -> bool:
        """Whether even what settles late no longer counts."""
        return closed(self.ends_at_ms, now_ms)


def closed(ends_at_ms: int, now_ms: int) -> bool:
    """Whether even what settles late no longer counts in a window that ends then."""
    return ends_at_ms + GRACE_MS <= now_ms
