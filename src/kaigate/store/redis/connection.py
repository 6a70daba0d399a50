"""One pipelined connection: commands of a loop tick leave in one write, answers come back in their order.

There is no timer per call. Every write has a deadline, answers come in order, so one timer for the oldest write is
enough; when it fires the connection is given up, because an answer that comes later could only be told from the next
one by counting on a server that just misbehaved.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, cast

import hiredis

from kaigate.store.errors import StoreError, StoreTimeout, StoreUnavailable
from kaigate.store.redis.replies import error_reply
from kaigate.store.redis.script import Argument as Argument  # noqa: PLC0414 (what `pack` takes)

INCOMPLETE: Final = object()
# When the loop itself was late, answers may wait in the socket: one more look at it before the connection is given up.
GRACE_S: Final = 0.002  # twice the grain of the loop's timers

# The annotation of hiredis means one argument; it packs any number. Raises TypeError for other types.
pack: Final = cast("Callable[[tuple[Argument, ...]], bytes]", hiredis.pack_command)

LATE: Final = "the store did not answer in time"
LOST: Final = "the connection to the store was lost before the answer"
CLOSED: Final = "the connection to the store is closed"
FULL: Final = "too many calls wait for the store"


class Connection(asyncio.Protocol):
    """A connected socket and the calls that wait for its answers, at most `max_pending`.

    `on_lost` is called once, with what went wrong, when the connection can't be used any more; not after `close`.
    """

    def __init__(self, *, timeout_s: float, max_pending: int, on_lost: Callable[["Connection", str], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._grace_s, self._patience_s = _split(timeout_s)
        self._max_pending = max_pending
        self._on_lost = on_lost
        self._reader = hiredis.Reader(replyError=error_reply, notEnoughData=INCOMPLETE)
        self._transport: asyncio.Transport | None = None
        self._usable = False
        self._retiring = False
        self._outgoing: list[bytes] = []
        self._pending: deque[asyncio.Future[Any]] = deque()
        self._written = 0
        # (deadline, calls written by then); bounded by the ticks of one timeout.
        self._writes: deque[tuple[float, int]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def usable(self) -> bool:
        """Whether calls are taken."""
        return self._usable

    @property
    def pending(self) -> int:
        """Calls that wait for an answer, abandoned ones included."""
        return len(self._pending)

    def send(self, command: bytes) -> asyncio.Future[Any]:
        """Queue a packed command; the future gives its reply, or raises ErrorReply, StoreTimeout or StoreUnavailable.

        Raises StoreUnavailable when the connection is closed or full. The future may be cancelled at any time.
        """
        pending = self._pending
        if not self._usable:
            raise StoreUnavailable(CLOSED)
        if len(pending) >= self._max_pending:
            raise StoreUnavailable(FULL)
        future: asyncio.Future[Any] = self._loop.create_future()
        pending.append(future)
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(command)
        return future

    def use_timeout(self, timeout_s: float) -> None:
        """Seconds that calls written from now on may take; only when none waits."""
        self._grace_s, self._patience_s = _split(timeout_s)
        self._stop_timer()  # it may be set for a longer time

    def give_up(self, reason: str, error: str = LOST) -> None:
        """Stop using the connection because of `reason`; every call that waits fails at once."""
        if self._usable:
            self._end(error)
            self._on_lost(self, reason)

    def retire(self) -> None:
        """Close when the last answer has come."""
        self._retiring = True
        if not self._pending:
            self.close()

    def close(self) -> None:
        """Close now; what waits fails."""
        self._end(LOST)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._usable = True

    def data_received(self, data: bytes) -> None:
        reader, pending = self._reader, self._pending
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not INCOMPLETE:
                future = pending.popleft()
                if future.done():  # its caller was cancelled
                    continue
                if isinstance(reply, StoreError):
                    future.set_exception(reply)
                else:
                    future.set_result(reply)
        except (hiredis.ProtocolError, IndexError):
            self.give_up("the store's answer is not RESP")
            return
        if not pending:
            self._writes.clear()
            if self._retiring:
                self.close()

    def connection_lost(self, _exc: Exception | None) -> None:
        self.give_up("the store closed the connection")

    def _flush(self) -> None:
        outgoing, transport = self._outgoing, self._transport
        if not outgoing or transport is None:
            return
        self._written += len(outgoing)
        data = outgoing[0] if len(outgoing) == 1 else b"".join(outgoing)
        outgoing.clear()
        # Not the loop's time, which stands still during a tick.
        self._writes.append((time.monotonic() + self._patience_s, self._written))
        if self._timer is None:
            self._timer = self._loop.call_later(self._patience_s, self._look_at_the_clock)
        transport.write(data)

    def _look_at_the_clock(self) -> None:
        self._timer = None
        deadline = self._oldest_deadline()
        if deadline is None:
            return
        remaining_s = deadline - time.monotonic()
        if remaining_s > 0:
            self._timer = self._loop.call_later(remaining_s, self._look_at_the_clock)
        else:
            self._timer = self._loop.call_later(self._grace_s, self._last_look)

    def _last_look(self) -> None:
        self._timer = None
        deadline = self._oldest_deadline()
        if deadline is not None and deadline <= time.monotonic():
            self.give_up(LATE, LATE)
        else:
            self._look_at_the_clock()

    def _oldest_deadline(self) -> float | None:
        """When the oldest unanswered write is late."""
        answered = self._written + len(self._outgoing) - len(self._pending)
        writes = self._writes
        while writes and writes[0][1] <= answered:
            writes.popleft()
        return writes[0][0] if writes else None

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self, error: str) -> None:
        self._usable = False
        self._stop_timer()
        if self._transport is not None:
            self._transport.abort()
        sent = len(self._pending) - len(self._outgoing)
        waiting = list(self._pending)
        self._pending.clear()
        self._writes.clear()
        self._outgoing.clear()
        for index, future in enumerate(waiting):
            if not future.done():
                # One exception each: a shared one would collect every caller's traceback.
                future.set_exception(StoreTimeout(error) if index < sent else StoreUnavailable(CLOSED))


def _split(timeout_s: float) -> tuple[float, float]:
    """The time for the last look, and the time before it, so that both and a late timer fit into `timeout_s`."""
    grace_s = min(GRACE_S, timeout_s / 8)
    return grace_s, timeout_s - 2 * grace_s
