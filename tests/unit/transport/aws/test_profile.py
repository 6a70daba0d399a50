"""Profiles of AWS's shared files."""

from pathlib import Path

import pytest

from kaigate.transport.aws.profile import ProfileError, read_profile


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text(
        "[default]\naws_access_key_id = K1\naws_secret_access_key = canary%secret\n\n[work]\naws_access_key_id=K2\n"
        "aws_secret_access_key=s2\naws_session_token=t2\n"
    )
    (folder / "config").write_text(
        "[default]\nregion = eu-west-1\n[profile work]\nregion=us-west-2 # far\n"
        "[profile sso]\nsso_session = x\n[profile run]\ncredential_process = /bin/x\n[profile keyed]\nsso_session=x\n"
        "aws_access_key_id=K3\naws_secret_access_key=s3\n"
    )
    return {"HOME": str(tmp_path)}


def test_both_files_make_one_profile(env: dict[str, str]) -> None:
    assert read_profile(env, None) == {
        "region": "eu-west-1",
        "aws_access_key_id": "K1",
        "aws_secret_access_key": "canary%secret",
    }
    work = read_profile(env, "work")
    assert work is not None
    assert (work["region"], work["aws_session_token"]) == ("us-west-2", "t2")
    assert read_profile({**env, "AWS_PROFILE": "work"}, None) == work


def test_files_may_stand_elsewhere(env: dict[str, str], tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("[default]\naws_access_key_id=K9\n")
    found = read_profile({**env, "AWS_SHARED_CREDENTIALS_FILE": str(other), "AWS_CONFIG_FILE": "/none"}, None)
    assert found == {"aws_access_key_id": "K9"}


def test_a_missing_default_is_none_a_missing_name_an_error(tmp_path: Path) -> None:
    assert read_profile({"HOME": str(tmp_path)}, None) is None
    for env, name in (({}, "x"), ({"AWS_PROFILE": "x"}, None)):
        with pytest.raises(ProfileError, match="x is in neither"):
            read_profile({"HOME": str(tmp_path), **env}, name)


@pytest.mark.parametrize("name", ["sso", "run"])
def test_ways_that_are_not_supported_are_named(env: dict[str, str], name: str) -> None:
    with pytest.raises(ProfileError, match="not supported"):
        read_profile(env, name)


def test_keys_beside_them_are_used(env: dict[str, str]) -> None:
    assert read_profile(env, "keyed")


@pytest.mark.parametrize("content", [b"canary", b"\xff[default]", b"x" * 1_100_000, b"[default\ncanary"])
def test_files_that_are_none_are_refused_without_repeating_them(env: dict[str, str], content: bytes) -> None:
    Path(env["HOME"], ".aws", "config").write_bytes(content)
    with pytest.raises(ProfileError) as caught:
        read_profile(env, None)
    assert "canary" not in str(caught.value)
