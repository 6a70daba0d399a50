"""What every test gets: the production event loop, and guards against blocking it and against leaking tasks."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping

import pytest
import uvloop
from blockbuster import BlockBuster
from hypothesis import settings

from support import redis_servers

LEAK_GRACE_S = 0.5


def pytest_configure(config: pytest.Config) -> None:
    """Register our markers and pick the number of examples."""
    config.addinivalue_line(
        "markers", "blocking_allowed(reason): kaigate may block the event loop in this test; the reason is required"
    )
    settings.register_profile("default", deadline=None, derandomize=True)
    settings.register_profile("long", deadline=None, max_examples=2_000)
    settings.load_profile(os.environ.get("KAIGATE_TEST_PROFILE", "default"))
    # A shell's background job has SIGINT ignored, and so would have every program that a test interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> str:
    """Which servers the stores are tested on."""
    return redis_servers.report()


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Tests run on uvloop, as the gateway does."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def _blocking_detector() -> BlockBuster:
    """Only calls that kaigate's own code makes count: a test itself may read a file."""
    return BlockBuster("kaigate")


@pytest.fixture(autouse=True)
def blocking_guard(request: pytest.FixtureRequest) -> Iterator[None]:
    """In async tests, a blocking call of kaigate in the event loop raises `blockbuster.BlockingError`."""
    marker = request.node.get_closest_marker("blocking_allowed")
    if marker is not None and not (marker.args and isinstance(marker.args[0], str) and marker.args[0]):
        pytest.fail("blocking_allowed needs a reason", pytrace=False)
    if marker is not None or not _is_async(request.node):
        yield
        return
    detector: BlockBuster = request.getfixturevalue("_blocking_detector")
    detector.activate()
    try:
        yield
    finally:
        detector.deactivate()


@pytest.fixture(autouse=True)
def leak_guard(request: pytest.FixtureRequest) -> None:
    """An async test fails when asyncio tasks outlive it and its fixtures."""
    if _is_async(request.node):
        request.getfixturevalue("_no_leaked_tasks")


@pytest.fixture
async def _no_leaked_tasks() -> AsyncIterator[None]:
    yield
    leaked = asyncio.all_tasks() - {asyncio.current_task()}
    if leaked:
        _, leaked = await asyncio.wait(leaked, timeout=LEAK_GRACE_S)
    if leaked:
        pytest.fail(f"leaked tasks: {sorted(str(task.get_coro()) for task in leaked)}", pytrace=False)


def _is_async(item: pytest.Item) -> bool:
    return item.get_closest_marker("asyncio") is not None
