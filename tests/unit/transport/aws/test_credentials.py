"""Credentials show themselves to nobody and can't break a header."""

import pickle

import pytest

from kaigate.transport.aws.credentials import AwsCredentials, CredentialsError

VALUES = ("AKIA" + "CANARY", "canary-secret", "canary-token")


def test_no_representation_shows_a_value() -> None:
    credentials = AwsCredentials(*VALUES, expires_at=5.0)
    for text in (repr(credentials), str(credentials), f"{credentials}", repr([credentials])):
        assert not any(value in text for value in VALUES)
    with pytest.raises(TypeError):
        pickle.dumps(credentials)


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("bad", ["a\nb", "a b", "ü", "\x00"])
def test_a_value_that_could_end_a_header_is_refused_without_repeating_it(place: int, bad: str) -> None:
    values = list(VALUES)
    values[place] = bad
    with pytest.raises(CredentialsError) as caught:
        AwsCredentials(*values)
    assert bad not in str(caught.value)


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(CredentialsError):
        AwsCredentials("", "s")
    with pytest.raises(CredentialsError):
        AwsCredentials("a", "")
