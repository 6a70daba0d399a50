"""Compiled patterns on disk, so that a start doesn't compile them again.

A compiled database is trusted by the matcher like code is. So a file is only read when it, and the directory, belong to
this user and nobody else may write there; its content is checked by a digest. Whatever is wrong, patterns are compiled.
"""

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

_DIGEST_BYTES: Final = 32
_OTHERS_MAY_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


def load(directory: Path, key: str) -> bytes | None:
    """The content stored under `key`; None if there is none, or none to be trusted."""
    path = _path(directory, key)
    try:
        if not (_private(directory.stat()) and _private(path.lstat())):
            return None
        stored = path.read_bytes()
    except OSError:
        return None
    content = stored[_DIGEST_BYTES:]
    return content if hashlib.sha256(content).digest() == stored[:_DIGEST_BYTES] else None


def store(directory: Path, key: str, content: bytes) -> None:
    """Keep `content` under `key`, whole or not at all; a read-only or full disk only costs the next start some time."""
    with suppress(OSError):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=directory, prefix=".patterns-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(hashlib.sha256(content).digest() + content)
            Path(name).replace(_path(directory, key))
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise


def _path(directory: Path, key: str) -> Path:
    return directory / f"patterns-{key}.bin"


def _private(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid() and not status.st_mode & _OTHERS_MAY_WRITE and not stat.S_ISLNK(status.st_mode)
