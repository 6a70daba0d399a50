"""Coroutines run by hand give the same results as awaited ones."""

import asyncio

import pytest

from kaigate.app.stepping import Callback, bounded


async def immediate() -> str:
    return "now"


async def waiting(event: asyncio.Event) -> str:
    await event.wait()
    await event.wait()
    return "later"


async def failing() -> str:
    raise ValueError("x")


async def test_bounded_returns_at_once_what_needs_no_waiting():
    assert await bounded(immediate(), 1) == "now"


async def test_bounded_waits():
    event = asyncio.Event()
    asyncio.get_running_loop().call_later(0.01, event.set)
    assert await bounded(waiting(event), 1) == "later"


async def test_bounded_gives_up_and_cleans_up():
    event = asyncio.Event()
    with pytest.raises(TimeoutError):
        await bounded(waiting(event), 0.01)
    assert not event._waiters


async def test_bounded_passes_errors_through():
    with pytest.raises(ValueError, match="x"):
        await bounded(failing(), 1)


async def test_bounded_is_cancellable():
    event = asyncio.Event()
    task = asyncio.ensure_future(bounded(waiting(event), 10))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not event._waiters


async def test_a_callback_hears_the_result():
    event, heard = asyncio.Event(), []
    Callback(waiting(event), heard.append)
    event.set()
    await asyncio.sleep(0.01)
    assert heard == ["later"]


async def test_a_cancelled_callback_hears_nothing_and_leaves_nothing():
    event, heard = asyncio.Event(), []
    callback = Callback(waiting(event), heard.append)
    event.set()
    callback.cancel()
    await asyncio.sleep(0.01)
    assert heard == []
    assert not event._waiters


async def test_a_coroutine_that_yields_no_future_is_refused():
    with pytest.raises(TypeError):
        await bounded(asyncio.sleep(0), 1)
