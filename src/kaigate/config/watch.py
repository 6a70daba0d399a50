"""Hot reload: notices changed files, and swaps in a whole valid configuration or keeps the one in force."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import Final, Literal

import watchfiles

from kaigate.config.loaded import LoadedConfig
from kaigate.config.problems import ConfigError

log = logging.getLogger("kaigate.config")

Outcome = Literal["unchanged", "swapped", "rejected"]
Signature = tuple[tuple[str, int, int, int], ...]

# Read once, when the ports open: a reload that changes them says so instead of seeming to work.
AT_START: Final = (
    "host",
    "port",
    "admin_host",
    "admin_port",
    "ops_host",
    "ops_port",
    "reuse_port",
    "max_header_bytes",
    "max_connections",
    "keep_alive_s",
)
# Where no event arrives (network file systems, a link to a file elsewhere) a change is seen after this.
POLL_S: Final = 5.0
DEBOUNCE_S: Final = 0.2


class Reloader:
    """Reads, checks and applies a new configuration, one at a time.

    `read` is blocking and runs in a thread; `apply` puts the new configuration in force. Where either raises
    `ConfigError`, or OSError or ValueError for what only building shows, the last good configuration stays.
    `counted` hears every outcome.
    """

    def __init__(
        self,
        current: LoadedConfig,
        *,
        read: Callable[[], LoadedConfig],
        apply: Callable[[LoadedConfig], Awaitable[None]],
        counted: Callable[[Outcome], object],
    ) -> None:
        self.current = current
        self._read = read
        self._apply = apply
        self._counted = counted
        self._turn = asyncio.Lock()

    async def reload_now(self) -> Outcome:
        """Reload once; never raises for a configuration that is wrong."""
        async with self._turn:
            outcome = await self._reload()
        self._counted(outcome)
        return outcome

    async def _reload(self) -> Outcome:
        try:
            loaded = await asyncio.to_thread(self._read)
            if loaded.config == self.current.config and loaded.secrets == self.current.secrets:
                self.current = loaded
                return "unchanged"
            await self._apply(loaded)
        except (ConfigError, OSError, ValueError) as error:
            _report(error)
            return "rejected"
        self._warn(loaded)
        self.current = loaded
        log.info("configuration %s is in force", loaded.hash)
        return "swapped"

    def _warn(self, loaded: LoadedConfig) -> None:
        for warning in loaded.warnings:
            log.warning("configuration: %s", warning)
        before, now = self.current.config.server, loaded.config.server
        for name in AT_START:
            if getattr(before, name) != getattr(now, name):
                log.warning("configuration: server.%s changes with the next start only", name)


def _report(error: Exception) -> None:
    for problem in error.problems if isinstance(error, ConfigError) else (error,):
        log.error("configuration refused, the last good one stays: %s", problem)


async def watch(
    paths: Callable[[], Iterable[Path]],
    on_change: Callable[[], Awaitable[object]],
    *,
    debounce_s: float = DEBOUNCE_S,
    poll_s: float = POLL_S,
) -> None:
    """Call `on_change` after one of `paths()` changed, until cancelled; once also at the start.

    The directories are watched, not the files: editors replace a file, and Kubernetes swaps the `..data` link beside
    it. An event only wakes us; whether something changed is decided by what the paths lead to. The first call catches
    a change between loading and watching. `paths` is asked anew each time, since a reload may bring other files.
    """
    while True:
        watched = tuple(paths())
        seen = await asyncio.to_thread(signature, watched)
        await on_change()
        async with contextlib.aclosing(_wakes(_directories(watched), poll_s)) as wakes:
            async for _ in wakes:
                now = await asyncio.to_thread(signature, watched)
                if now != seen:
                    seen = await _settled(watched, now, debounce_s)
                    await on_change()
                if tuple(paths()) != watched:
                    break


def signature(paths: Iterable[Path]) -> Signature:
    """What the paths lead to now, links followed; a missing file has zeros. Blocking."""
    found = []
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            found.append((str(path), 0, 0, 0))
        else:
            found.append((str(path), status.st_ino, status.st_mtime_ns, status.st_size))
    return tuple(found)


async def _settled(paths: tuple[Path, ...], before: Signature, debounce_s: float) -> Signature:
    """The signature once it stays the same for `debounce_s`: a half-written file is not read."""
    for _ in range(20):
        await asyncio.sleep(debounce_s)
        now = await asyncio.to_thread(signature, paths)
        if now == before:
            break
        before = now
    return before


async def _wakes(directories: tuple[Path, ...], poll_s: float) -> AsyncGenerator[None, None]:
    """Wakes on every event in the directories, and every `poll_s` seconds at the latest."""
    try:
        async for _ in watchfiles.awatch(
            *directories,
            watch_filter=None,
            debounce=50,
            step=25,
            recursive=False,
            rust_timeout=int(poll_s * 1000),
            yield_on_timeout=True,
        ):
            yield
    except (OSError, RuntimeError) as error:
        # No inotify left, or a directory is gone: polling still notices changes.
        log.warning("configuration is polled every %g s: %s", poll_s, error)
        while True:
            await asyncio.sleep(poll_s)
            yield


def _directories(paths: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(path.parent for path in paths))
