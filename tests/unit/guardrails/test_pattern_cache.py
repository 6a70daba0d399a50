"""What is stored comes back only if nobody else could have written it."""

import pytest

from kaigate.guardrails.pattern_cache import load, store


def test_what_was_stored_comes_back(tmp_path):
    store(tmp_path / "a" / "b", "key", b"content")
    assert load(tmp_path / "a" / "b", "key") == b"content"
    assert load(tmp_path / "a" / "b", "other") is None
    assert load(tmp_path / "none", "key") is None


@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_a_directory_that_others_may_write_is_not_trusted(tmp_path, mode):
    store(tmp_path, "key", b"content")
    tmp_path.chmod(mode)
    assert load(tmp_path, "key") is None


def test_a_file_that_others_may_write_or_a_link_is_not_trusted(tmp_path):
    store(tmp_path, "key", b"content")
    (path,) = tmp_path.iterdir()
    path.chmod(0o622)
    assert load(tmp_path, "key") is None
    path.chmod(0o600)
    target = path.rename(tmp_path / "elsewhere")
    path.symlink_to(target)
    assert load(tmp_path, "key") is None


def test_a_store_that_fails_leaves_nothing_behind(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    store(tmp_path / "file", "key", b"content")
    (tmp_path / "patterns-key.bin").mkdir()
    store(tmp_path, "key", b"content")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "patterns-key.bin"]
