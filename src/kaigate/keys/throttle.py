"""Bounds failed authentications per client address, so that guessing and misconfigured clients stay cheap."""

import ipaddress
from collections import OrderedDict
from typing import Final

from kaigate.clock import Clock
from kaigate.errors import LimitExceededError

WINDOW_S: Final = 60.0


class FailureThrottle:
    """A leaky bucket of failures per address: `per_minute` at once, refilled evenly over a minute.

    Only failures are counted and only failures are refused, so a caller with a valid key behind the same address is
    not locked out by a neighbour. IPv6 is counted by /64, the least that one host is given. At most `capacity`
    addresses are remembered; the one that failed longest ago is forgotten first.
    """

    __slots__ = ("_capacity", "_clock", "_due", "_interval")

    def __init__(self, per_minute: int, clock: Clock, *, capacity: int = 10_000) -> None:
        self._interval = WINDOW_S / per_minute
        self._clock = clock
        self._capacity = capacity
        # Address -> the monotonic time at which its bucket is empty again.
        self._due: OrderedDict[str, float] = OrderedDict()

    def failed(self, address: str) -> None:
        """Count a failure; raises `LimitExceededError` with `retry_after` where it is beyond the bound."""
        network = network_of(address)
        now = self._clock.monotonic()
        due = max(self._due.get(network, 0.0), now) + self._interval
        # A refused failure is not added: the wait that was announced stays true.
        if due - now > WINDOW_S + self._interval / 1000:
            self._due.move_to_end(network)
            raise LimitExceededError(
                "rate_limit_exceeded",
                "Too many failed authentications from this address. Check the API key, then wait.",
                retry_after=due - now - WINDOW_S,
            )
        self._due[network] = due
        self._due.move_to_end(network)
        if len(self._due) > self._capacity:
            self._due.popitem(last=False)

    def __len__(self) -> int:
        return len(self._due)


def network_of(address: str) -> str:
    """What is counted as one client: the IPv4 address, or the IPv6 /64; text that is no address stands for itself."""
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, 64), strict=False))
