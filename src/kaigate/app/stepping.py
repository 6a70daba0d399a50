"""Runs a coroutine by hand, so that the usual case of not having to wait costs no task and no timer.

`asyncio.wait_for` and a watcher task each cost as much as decoding a request; the coroutines that an ASGI server
hands out wait for a single future, if at all, and can be stepped to it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def bounded(coroutine: Coroutine[Any, Any, T], timeout_s: float) -> T:
    """The coroutine's result; raises TimeoutError when it waits longer than `timeout_s` seconds at once."""
    try:
        while True:
            try:
                future = _step(coroutine)
            except StopIteration as stop:
                result: T = stop.value
                return result
            done, _ = await asyncio.wait((future,), timeout=timeout_s)
            if not done:
                raise TimeoutError
    finally:
        coroutine.close()


class Callback:
    """Calls `then` with the coroutine's result once it has one; `cancel` forgets it."""

    __slots__ = ("_coroutine", "_future", "_then")

    def __init__(self, coroutine: Coroutine[Any, Any, T], then: Callable[[T], None]) -> None:
        self._coroutine = coroutine
        self._then: Callable[[T], None] | None = then
        self._future: asyncio.Future[Any] | None = None
        self._advance()

    def cancel(self) -> None:
        """Stop waiting; `then` will not be called."""
        self._then = None
        if self._future is not None:
            self._future.remove_done_callback(self._advance)
            self._future = None
        self._coroutine.close()

    def _advance(self, _future: asyncio.Future[Any] | None = None) -> None:
        then = self._then
        if then is None:
            return
        try:
            self._future = _step(self._coroutine)
        except StopIteration as stop:
            self._future = self._then = None
            then(stop.value)
        else:
            self._future.add_done_callback(self._advance)


def _step(coroutine: Coroutine[Any, Any, Any]) -> asyncio.Future[Any]:
    """Run to the next future; raises StopIteration with the result at the end."""
    waiting = coroutine.send(None)
    if not asyncio.isfuture(waiting):
        raise TypeError("the server's coroutine waits for something that is not a future")
    # `await future` marks the future for the task that drives it; this driver takes the mark, as a task does.
    waiting._asyncio_future_blocking = False  # noqa: SLF001 -- asyncio has no public name for it
    return waiting
