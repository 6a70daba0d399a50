"""Leases of one scope: what is running, as far as it was renewed in time."""

import heapq
from typing import Final

from kaigate.limits.verdicts import NEVER, PARALLEL_RETRY_MS

# Entries of the heap that no longer say anything, before it is built anew.
SLACK: Final = 64


class Leases:
    """Ids with the time at which each lapses. Counting costs O(log n), amortised.

    One that lapsed does not count, but may be renewed until it is released.
    """

    __slots__ = ("_ends", "_heap", "_unreleased")

    def __init__(self) -> None:
        self._unreleased = 0
        self._ends: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []

    @property
    def used(self) -> int:
        """How many there were at the last look."""
        return len(self._ends)

    def advance(self, now_ms: int) -> None:
        """Let go of those that lapsed."""
        heap, ends = self._heap, self._ends
        while heap and heap[0][0] <= now_ms:
            end, lease = heapq.heappop(heap)
            if ends.get(lease) == end:
                del ends[lease]

    def refusal_ms(self, limit: int, weight: int, now_ms: int) -> int:
        """A time after which another try makes sense; 0 when there is room now, NEVER when there can't be."""
        self.advance(now_ms)
        if len(self._ends) + weight <= limit:
            return 0
        return PARALLEL_RETRY_MS if weight <= limit else NEVER

    def take(self, lease: str, ends_ms: int) -> None:
        """Begin a lease."""
        self._unreleased += 1
        self.hold(lease, ends_ms)

    def hold(self, lease: str, ends_ms: int) -> None:
        """Prolong a lease that was not released."""
        self._ends[lease] = ends_ms
        heapq.heappush(self._heap, (ends_ms, lease))
        if len(self._heap) > 2 * len(self._ends) + SLACK:
            self._heap = [(end, held) for held, end in self._ends.items()]
            heapq.heapify(self._heap)

    def release(self, lease: str) -> None:
        """End a lease, once, whether it lapsed or not."""
        self._unreleased -= 1
        self._ends.pop(lease, None)

    def whole_in_ms(self, _now_ms: int) -> int:
        """A guess: nobody knows when a request ends."""
        return PARALLEL_RETRY_MS if self._ends else 0

    def idle(self, _now_ms: int) -> bool:
        """Whether forgetting the scope changes nothing."""
        return self._unreleased == 0
