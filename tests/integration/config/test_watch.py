"""Changes of real files in real directories, in the ways that editors and Kubernetes make them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from kaigate.config.watch import watch


class Changes:
    """Counts the calls of `watch`; the first one is the start."""

    def __init__(self) -> None:
        self.count = 0
        self._event = asyncio.Event()

    async def seen(self) -> None:
        self.count += 1
        self._event.set()

    async def next(self, timeout_s: float = 10.0) -> None:
        async with asyncio.timeout(timeout_s):
            await self._event.wait()
        self._event.clear()


def inotify_descriptors() -> int:
    count = 0
    for link in Path("/proc/self/fd").iterdir():
        # Other descriptors come and go meanwhile, the one of this listing among them.
        with contextlib.suppress(OSError):
            count += "inotify" in str(link.readlink())
    return count


@contextlib.asynccontextmanager
async def watching(paths: Callable[[], list[Path]], *, poll_s: float = 60.0) -> AsyncIterator[Changes]:
    changes = Changes()
    before = inotify_descriptors()
    task = asyncio.create_task(watch(paths, changes.seen, debounce_s=0.05, poll_s=poll_s))
    try:
        await changes.next()
        # Events count from the moment that the operating system's watch is in place. The count may stay the same,
        # where an earlier test's watch is closed meanwhile: then a second is long enough.
        for _ in range(100):
            if inotify_descriptors() > before:
                break
            await asyncio.sleep(0.01)
        yield changes
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def in_place(path: Path) -> None:
    path.write_text("changed in place")


def by_rename(path: Path) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text("changed by rename")
    temporary.replace(path)


def by_delete_and_create(path: Path) -> None:
    path.unlink()
    path.write_text("changed by delete")


@pytest.mark.parametrize("change", [in_place, by_rename, by_delete_and_create])
async def test_a_change_is_noticed_at_once(tmp_path, change):
    path = tmp_path / "gateway.yaml"
    path.write_text("first")
    async with watching(lambda: [path]) as changes:
        change(path)
        await changes.next(timeout_s=5)


async def test_a_file_that_appears_is_noticed(tmp_path):
    path = tmp_path / "guardrails.yaml"
    async with watching(lambda: [path]) as changes:
        path.write_text("new")
        await changes.next(timeout_s=5)


async def test_a_kubernetes_volume_update_is_noticed_once(tmp_path):
    """The kubelet writes a new folder, then swaps the link `..data` in one rename."""

    def publish(version: str, text: str) -> None:
        folder = tmp_path / f"..{version}"
        folder.mkdir()
        (folder / "gateway.yaml").write_text(text)
        (tmp_path / "..data_tmp").symlink_to(folder.name)
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")

    publish("2026_01", "first")
    path = tmp_path / "gateway.yaml"
    path.symlink_to("..data/gateway.yaml")
    async with watching(lambda: [path]) as changes:
        publish("2026_02", "second")
        await changes.next(timeout_s=5)
        await asyncio.sleep(0.5)
        assert changes.count == 2
        publish("2026_03", "third")
        await changes.next(timeout_s=5)


async def test_other_files_of_the_directory_do_not_matter(tmp_path):
    path = tmp_path / "gateway.yaml"
    path.write_text("first")
    async with watching(lambda: [path]) as changes:
        for number in range(20):
            (tmp_path / f"other{number}").write_text("x")
        await asyncio.sleep(0.6)
        assert changes.count == 1


async def test_a_burst_of_writes_is_one_change(tmp_path):
    path = tmp_path / "gateway.yaml"
    path.write_text("first")
    async with watching(lambda: [path]) as changes:
        for number in range(10):
            path.write_text("x" * number)
        await changes.next(timeout_s=5)
        await asyncio.sleep(0.5)
        assert changes.count <= 3


async def test_a_change_behind_a_link_to_another_directory_is_seen_by_polling(tmp_path):
    real = tmp_path / "elsewhere"
    real.mkdir()
    (real / "gateway.yaml").write_text("first")
    folder = tmp_path / "etc"
    folder.mkdir()
    path = folder / "gateway.yaml"
    path.symlink_to(real / "gateway.yaml")
    async with watching(lambda: [path], poll_s=0.2) as changes:
        (real / "gateway.yaml").write_text("second")
        await changes.next(timeout_s=5)


async def test_a_directory_that_is_gone_falls_back_to_polling(tmp_path):
    path = tmp_path / "later" / "gateway.yaml"
    async with watching(lambda: [path], poll_s=0.1) as changes:
        path.parent.mkdir()
        path.write_text("here")
        await changes.next(timeout_s=5)


async def test_paths_that_a_reload_brings_are_watched_too(tmp_path):
    first, second = tmp_path / "a" / "gateway.yaml", tmp_path / "b" / "secret"
    for path in (first, second):
        path.parent.mkdir()
        path.write_text("x")
    paths = [first]
    async with watching(lambda: list(paths)) as changes:
        paths.append(second)
        first.write_text("now names the secret")
        await changes.next(timeout_s=5)
        await changes.next(timeout_s=5)  # watching anew begins with a call, too
        await asyncio.sleep(0.3)
        second.write_text("rotated")
        await changes.next(timeout_s=5)


async def test_cancelling_leaves_no_watch_behind(tmp_path):
    path = tmp_path / "gateway.yaml"
    path.write_text("x")
    before = inotify_descriptors()
    for _ in range(5):
        async with watching(lambda: [path], poll_s=0.5):
            await asyncio.sleep(0.05)
    # The watcher's own thread closes its descriptor a moment later.
    async with asyncio.timeout(5):
        while inotify_descriptors() > before:
            await asyncio.sleep(0.05)
