"""Credentials that are simply there."""

import pytest

from kaigate.transport.aws.credentials import AwsCredentials
from kaigate.transport.aws.static import StaticCredentials, from_environment


def test_they_need_no_network() -> None:
    credentials = AwsCredentials("a", "b")
    store = StaticCredentials(credentials)
    assert (store.current(), store.destinations()) == (credentials, ())


def test_the_environment_s_keys() -> None:
    store = from_environment({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c"})
    assert store is not None
    found = store.current()
    assert (found.access_key_id, found.secret_access_key, found.session_token) == ("a", "b", "c")


@pytest.mark.parametrize("env", [{}, {"AWS_ACCESS_KEY_ID": "a"}, {"AWS_SECRET_ACCESS_KEY": "b"}])
def test_half_a_pair_is_none(env: dict[str, str]) -> None:
    assert from_environment(env) is None
