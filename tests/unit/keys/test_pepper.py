import stat
import threading

import pytest

from kaigate.config.secrets import Secret
from kaigate.keys.pepper import PepperError, pepper_check, pepper_of


def test_it_is_made_once_for_its_owner_alone(tmp_path):
    made = pepper_of(None, tmp_path)
    assert len(made) == 64
    assert pepper_of(None, tmp_path) == made
    assert stat.S_IMODE((tmp_path / "pepper").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["pepper"]


def test_processes_that_start_together_agree(tmp_path):
    made = set()
    threads = [threading.Thread(target=lambda: made.add(pepper_of(None, tmp_path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_the_configured_one_comes_first_and_no_file_is_made(tmp_path):
    assert pepper_of(Secret("s" * 16), tmp_path) == b"s" * 16
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(PepperError, match="at least 16") as refused:
        pepper_of(Secret("short-secret"), tmp_path)
    assert "short-secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        (b"a" * 64, 0o644, "read by others"),
        (b"a" * 63, 0o600, "does not hold"),
        (b"z" * 64, 0o600, "does not hold"),
        (b"", 0o600, "does not hold"),
    ],
)
def test_a_file_that_is_no_secret_is_refused(tmp_path, content, mode, reason):
    (tmp_path / "pepper").write_bytes(content)
    (tmp_path / "pepper").chmod(mode)
    with pytest.raises(PepperError, match=reason):
        pepper_of(None, tmp_path)


def test_a_folder_that_is_missing_is_said(tmp_path):
    with pytest.raises(PepperError, match="No such file"):
        pepper_of(None, tmp_path / "gone")
    (tmp_path / "pepper").mkdir()
    with pytest.raises(PepperError):
        pepper_of(None, tmp_path)


def test_the_check_tells_peppers_apart_and_is_no_hash_of_a_key():
    assert pepper_check(b"a" * 32) == pepper_check(b"a" * 32)
    assert pepper_check(b"a" * 32) != pepper_check(b"b" * 32)
