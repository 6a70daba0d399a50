"""Files whose space is taken in advance, so that a disk that fills up later can't fail a write."""

import contextlib
import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from kaigate.store.errors import StoreUnavailable

Allocate = Callable[[int, int, int], None]
_FILE_MODE: Final = 0o600


def open_allocated(path: Path, size: int, allocate: Allocate = os.posix_fallocate) -> int:
    """A descriptor of the file at `path` with at least `size` bytes of its own; `StoreUnavailable` without space.

    A file that can't have its space is not left behind half-made when it is new.
    """
    new = not path.exists()
    descriptor = -1
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _FILE_MODE)
        allocate(descriptor, 0, size)
    except OSError as error:
        if descriptor >= 0:
            os.close(descriptor)
        if new:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        raise StoreUnavailable(f"the usage journal has no space: {error.strerror}") from None
    return descriptor


def write_all(descriptor: int, data: bytes, at: int) -> None:
    """Write at a position, whole or not at all as far as readers see; `StoreUnavailable` where the disk refuses."""
    try:
        written = os.pwrite(descriptor, data, at)
    except OSError as error:
        raise StoreUnavailable(f"the usage journal can't be written: {error.strerror}") from None
    if written != len(data):
        raise StoreUnavailable("the usage journal can't be written: short write")


def lock(path: Path) -> int:
    """A descriptor that holds the file at `path` locked until it is closed or the process ends."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _FILE_MODE)
    except OSError as error:
        raise StoreUnavailable(f"the usage journal can't be opened: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise StoreUnavailable("the usage journal is in use by another process") from None
    return descriptor
