"""Work that must not be cut short is not."""

import asyncio

import pytest

from kaigate.pipeline.shield import finish


async def test_it_ends_with_its_work():
    done = []

    async def work() -> None:
        await asyncio.sleep(0)
        done.append(1)

    await finish(work())
    assert done == [1]


async def test_cancellations_wait_for_the_work():
    done = []
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.sleep(0.02)
        done.append(1)

    task = asyncio.ensure_future(finish(work()))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == [1]


async def test_the_works_own_error_is_raised():
    async def work() -> None:
        raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        await finish(work())
