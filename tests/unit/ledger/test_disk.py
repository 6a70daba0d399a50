"""Space is had before it is needed, and a refusal of the disk has one name."""

import errno
import os
import stat

import pytest

from kaigate.ledger.disk import lock, open_allocated, write_all
from kaigate.store.errors import StoreUnavailable


def no_space(descriptor, offset, size):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_the_space_of_a_file_is_its_own_and_nobody_else_reads_it(tmp_path):
    descriptor = open_allocated(tmp_path / "file", 65_536)
    status = os.fstat(descriptor)
    os.close(descriptor)
    assert status.st_size == 65_536
    assert status.st_blocks * 512 >= 65_536
    assert stat.S_IMODE(status.st_mode) == 0o600


def test_a_new_file_without_space_is_not_left_behind(tmp_path):
    with pytest.raises(StoreUnavailable, match="no space: No space left on device"):
        open_allocated(tmp_path / "file", 4096, no_space)
    assert not list(tmp_path.iterdir())


def test_a_file_with_content_is_never_removed(tmp_path):
    (tmp_path / "file").write_bytes(b"kept")
    with pytest.raises(StoreUnavailable):
        open_allocated(tmp_path / "file", 4096, no_space)
    assert (tmp_path / "file").read_bytes() == b"kept"


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "other").write_bytes(b"")
    (tmp_path / "file").symlink_to(tmp_path / "other")
    with pytest.raises(StoreUnavailable):
        open_allocated(tmp_path / "file", 1)


def test_a_write_that_the_disk_refuses_is_unavailable(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    descriptor = os.open(tmp_path / "file", os.O_RDONLY)
    with pytest.raises(StoreUnavailable, match="can't be written"):
        write_all(descriptor, b"x", 0)
    os.close(descriptor)


def test_a_lock_has_one_holder(tmp_path):
    first = lock(tmp_path / "lock")
    with pytest.raises(StoreUnavailable, match="in use by another process"):
        lock(tmp_path / "lock")
    os.close(first)
    os.close(lock(tmp_path / "lock"))
