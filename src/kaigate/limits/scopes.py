"""A bounded map of counters that forgets the idle ones."""

from collections import OrderedDict
from typing import Final, Generic, Protocol, TypeVar

from kaigate.limits.model import StoreError

# Looked at for each new counter: two keep the idle ones fewer than the busy ones; more when the map is full.
LOOKS: Final = 2
LOOKS_WHEN_FULL: Final = 64


class Counter(Protocol):
    """What can tell that it no longer matters."""

    def idle(self, now_ms: int) -> bool:
        """Whether forgetting it changes nothing."""
        ...


Key = tuple[str | int, ...]
C = TypeVar("C", bound=Counter)


class Scopes(Generic[C]):
    """At most `most` counters by key. A map full of busy ones takes no new key: to forget one would admit too much."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._debt = 0
        self._counters: OrderedDict[Key, C] = OrderedDict()
        self.get = self._counters.get

    def __len__(self) -> int:
        return len(self._counters)

    def add(self, key: Key, counter: C) -> C:
        """Keep a new counter; raises StoreError when the map is full."""
        if len(self._counters) >= self._most:
            raise StoreError("the in-process store is full of busy scopes")
        self._debt += LOOKS
        self._counters[key] = counter
        return counter

    def tidy(self, now_ms: int) -> None:
        """Make up for what was added. Only between two steps: a counter that a step has just made is still idle."""
        if self._debt or len(self._counters) >= self._most:
            looks = LOOKS_WHEN_FULL if len(self._counters) + LOOKS_WHEN_FULL > self._most else self._debt
            self._debt = 0
            self.sweep(looks, now_ms)

    def sweep(self, looks: int, now_ms: int) -> None:
        """Look at the next few counters in turn, and forget the idle ones."""
        counters = self._counters
        for _ in range(min(looks, len(counters))):
            key = next(iter(counters))
            if counters[key].idle(now_ms):
                del counters[key]
            else:
                counters.move_to_end(key)
