"""The in-process sliding window: exact on integer milliseconds."""

from collections import deque

from kaigate.limits.verdicts import NEVER

# [time of admission, weight]: a list, because a settlement corrects the weight in place.
Entry = list[int]


class Window:
    """Weights admitted during the last `span_ms`; a weight of time t counts until t + span_ms, exclusively.

    Weights of the same millisecond share an entry, so that a window holds at most `span_ms` entries however high its
    limit is. Times never decrease from call to call. Admitting costs O(1), amortised.
    """

    __slots__ = ("entries", "span_ms", "used")

    def __init__(self, span_ms: int) -> None:
        self.span_ms = span_ms
        self.used = 0
        self.entries: deque[Entry] = deque()

    def advance(self, now_ms: int) -> None:
        """Let go of what left the window."""
        horizon = now_ms - self.span_ms
        entries = self.entries
        while entries and entries[0][0] <= horizon:
            self.used -= entries.popleft()[1]

    def refusal_ms(self, limit: int, weight: int, now_ms: int) -> int:
        """Milliseconds until a weight fits: 0 when it fits now, NEVER when it is larger than the limit."""
        self.advance(now_ms)
        excess = self.used + weight - limit
        if excess <= 0:
            return 0
        for at_ms, leaving in self.entries:
            excess -= leaving
            if excess <= 0:
                return at_ms + self.span_ms - now_ms
        return NEVER

    def add(self, weight: int, now_ms: int) -> Entry:
        """Count a weight as of now, and return the entry that holds it."""
        entries = self.entries
        self.used += weight
        if entries and entries[-1][0] == now_ms:
            entry = entries[-1]
            entry[1] += weight
        else:
            entry = [now_ms, weight]
            entries.append(entry)
        return entry

    def correct(self, entry: Entry, difference: int, now_ms: int) -> None:
        """Change the weight of an entry, unless it has left."""
        self.advance(now_ms)
        if entry[0] > now_ms - self.span_ms:
            entry[1] += difference
            self.used += difference

    def whole_in_ms(self, now_ms: int) -> int:
        """Milliseconds until nothing counts any more."""
        return self.entries[-1][0] + self.span_ms - now_ms if self.entries else 0

    def idle(self, now_ms: int) -> bool:
        """Whether forgetting the window changes nothing."""
        return self.whole_in_ms(now_ms) <= 0
