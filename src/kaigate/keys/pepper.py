"""The secret that hashes of virtual keys are keyed with: configured, or made once and kept beside the database."""

import hmac
import os
import secrets
import stat
from pathlib import Path
from typing import Final

from kaigate.config.secrets import Secret

PEPPER_FILE: Final = "pepper"
MIN_PEPPER_CHARACTERS: Final = 16
_BYTES: Final = 32
_CHECK_DOMAIN: Final = b"kaigate pepper check"


class PepperError(ValueError):
    """The pepper cannot be read or made; the message names the file and the remedy, never the value."""


def pepper_of(configured: Secret | None, folder: Path) -> bytes:
    """The configured pepper, else the one in `folder`, which is made there once with mode 0600.

    Blocking. Raises `PepperError`. Losing it makes every virtual key invalid.
    """
    if configured is not None:
        value = configured.reveal()
        if len(value) < MIN_PEPPER_CHARACTERS:
            raise PepperError(f"keys.pepper: has at least {MIN_PEPPER_CHARACTERS} random characters")
        return value.encode()
    path = folder / PEPPER_FILE
    try:
        if not path.exists():
            _make(path)
        return _read(path)
    except OSError as error:
        raise PepperError(f"{path}: {error.strerror}") from None


def pepper_check(pepper: bytes) -> str:
    """What the database keeps in order to notice another pepper; it says nothing about the keys or the pepper."""
    return hmac.digest(pepper, _CHECK_DOMAIN, "sha256").hex()[:16]


def _make(path: Path) -> None:
    # Written under another name and linked: a second process that starts now sees all of it or nothing.
    draft = path.with_name(f".{PEPPER_FILE}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(_BYTES).encode())
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return
    finally:
        draft.unlink()


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode):
            raise PepperError(f"{path}: is not a regular file")
        if mode & 0o077:
            raise PepperError(f"{path}: can be read by others: chmod 600 it")
        value = file.read(2 * _BYTES + 1)
    if len(value) != 2 * _BYTES or value.translate(None, b"0123456789abcdef"):
        raise PepperError(f"{path}: does not hold a pepper; restore it from a backup, or delete it and every key")
    return value
