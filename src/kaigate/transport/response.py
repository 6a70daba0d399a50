"""One response: its head once it has arrived, and its body as it arrives."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from kaigate.transport.errors import (
    BodyTooLarge,
    FirstByteTimeout,
    IdleTimeout,
    TotalTimeout,
    TransportError,
    Truncated,
)
from kaigate.transport.target import Deadlines


class Link(Protocol):
    """What a response needs of the connection that carries it."""

    def resume(self) -> None:
        """Read from the socket again if that was paused."""

    def expire_at(self, when: float) -> None:
        """Look at the response's deadlines at `when` (loop time) or before."""

    def drop(self, response: "Response") -> None:
        """Abort the socket and release its slot if the connection still carries `response`."""


class Response:
    """Status, headers and body of one exchange.

    `headers` have lower-case names; repeated ones are joined with ", ". They are the upstream's own and never meant
    for clients (see `headers.forwardable`). One task at a time reads the body; a read that is cancelled closes the
    response. The connection goes back to its pool when the body has ended, read or not.
    """

    __slots__ = (
        "_buffered", "_chunks", "_deadlines", "_ended", "_error", "_loop", "_sink", "_started", "_waiter", "begun",
        "headers", "heard_at", "link", "status",
    )  # fmt: skip

    def __init__(
        self, loop: asyncio.AbstractEventLoop, deadlines: Deadlines, started: float, begun: float | None = None
    ) -> None:
        """`started` is the loop time from which `total_s` counts; `first_byte_s` counts from `begun`, or from now.

        The connection that carries the exchange sets `link`, and `heard_at` (loop time) when bytes arrive.
        """
        self.status = 0
        self.headers: dict[str, str] = {}
        self._loop = loop
        self._deadlines = deadlines
        self._started = started
        self.heard_at = self.begun = loop.time() if begun is None else begun
        self.link: Link | None = None
        self._chunks: list[bytes] = []
        self._buffered = 0
        self._waiter: asyncio.Future[None] | None = None
        self._sink: Callable[[bytes], bool] | None = None
        self._error: TransportError | None = None
        self._ended = False

    async def chunk(self) -> bytes:
        """Body bytes that have arrived, at least one; b"" at the clean end.

        Raises Truncated, ProtocolError, IdleTimeout or TotalTimeout, after the bytes that came before the failure.
        """
        while not self._chunks:
            if self._error is not None:
                raise self._error
            if self._ended:
                return b""
            self.heard_at = self._loop.time()
            await self.wait()
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._buffered = 0
        if self.link is not None:
            self.link.resume()
        return data

    async def pump(self, sink: Callable[[bytes], bool]) -> None:
        """Give body bytes to `sink` in the very call they arrive in, sparing a task switch for each.

        Returns when the sink returned False, which means that it took these bytes but wants no more, and when the body
        ended or failed: `chunk` then says which. The sink must not raise.
        """
        while self._chunks:
            data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
            self._chunks.clear()
            self._buffered = 0
            if self.link is not None:
                self.link.resume()
            if not sink(data):
                return
        if self._ended or self._error is not None:
            return
        self.heard_at = self._loop.time()
        self._sink = sink
        try:
            await self.wait()
        finally:
            self._sink = None

    def arrived(self, limit: int) -> bytes | None:
        """The whole body, at most `limit` bytes, if it came with its head, as a small one does; else None."""
        if self._ended and len(self._chunks) == 1 and self._buffered <= limit:
            self._buffered = 0
            return self._chunks.pop()
        return None

    async def read(self, limit: int) -> bytes:
        """The whole body; raises BodyTooLarge, and closes, when it is longer than `limit` bytes."""
        parts: list[bytes] = []
        size = 0
        while data := await self.chunk():
            size += len(data)
            if size > limit:
                self.close()
                raise BodyTooLarge(f"the upstream's body is longer than {limit} bytes")
            parts.append(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        """Give the response up: before its end the socket is aborted and the slot released. Idempotent."""
        self._chunks.clear()
        self._buffered = 0
        if self.link is not None:
            self.link.drop(self)
            self.fail(Truncated("the response was closed by its reader"))

    # The connection's side.

    @property
    def open(self) -> bool:
        """Whether the exchange is still under way."""
        return not self._ended and self._error is None

    async def wait_head(self) -> None:
        """Until the head has arrived; raises what failed before that."""
        while not self.status:
            if self._error is not None:
                raise self._error
            await self.wait()

    async def wait(self) -> None:
        """Until something happens to the exchange: head, body, end, failure, or room for more of the request."""
        link = self.link
        if link is None:
            return
        if self._waiter is not None:
            raise RuntimeError("another task is reading this response")
        link.expire_at(self.deadline(waiting=True))
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        except BaseException:
            self.close()
            raise
        finally:
            self._waiter = None

    def wake(self) -> None:
        """Let `wait` return."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def add_head(self, status: int, headers: dict[str, str]) -> None:
        """The final status line and headers."""
        self.headers = headers
        self.status = status
        self.wake()

    def add_body(self, data: bytes) -> int:
        """Decoded body bytes; returns how many are not yet read."""
        if self._sink is not None:
            if not self._sink(data):
                self._sink = None
                self.wake()
            return 0
        self._chunks.append(data)
        self._buffered += len(data)
        if self._waiter is not None:
            self.wake()
        return self._buffered

    def end(self) -> None:
        """The body is complete."""
        self._ended = True
        self.link = None
        if self._waiter is not None:
            self.wake()

    def fail(self, error: TransportError) -> None:
        """The exchange is over without a complete body."""
        if self.open:
            self._error = error
        self.link = None
        self.wake()

    def deadline(self, *, waiting: bool | None = None) -> float:
        """Loop time at which the exchange is to fail as it stands; a pause counts only while a reader waits."""
        limits = self._deadlines
        total = self._started + limits.total_s
        if not self.status:
            return min(total, self.begun + limits.first_byte_s)
        if waiting or self._waiter is not None:
            return min(total, self.heard_at + limits.idle_s)
        return total

    def timeout(self, now: float) -> TransportError:
        """The error for an exchange whose `deadline` has passed."""
        limits = self._deadlines
        if now >= self._started + limits.total_s:
            return TotalTimeout(f"the upstream did not finish within {limits.total_s:g} s")
        if not self.status:
            return FirstByteTimeout(f"the upstream did not answer within {limits.first_byte_s:g} s")
        return IdleTimeout(f"the upstream was silent for {limits.idle_s:g} s")
