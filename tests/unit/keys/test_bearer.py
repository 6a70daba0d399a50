"""What is presented is a key or a token, never one after the other."""

from types import SimpleNamespace

import pytest

from kaigate.keys.bearer import find
from kaigate.pipeline.principal import Principal

KEY, TOKEN = b"kg-some-key", b"eyJhbGciOiJub25lIn0.e30."
KEYS, ADA = Principal("k1", "key"), Principal("jwt-1", "ada")


def tokens(answer):
    return SimpleNamespace(looks_like_jwt=lambda token: token == TOKEN, verify=lambda token: answer)


def directory(in_team=lambda caller: caller):
    return SimpleNamespace(lookup=lambda token, address: KEYS if address == "192.0.2.1" else None, in_team=in_team)


async def later(answer):
    return answer


async def test_a_key_is_looked_up_with_its_address_and_a_token_verified():
    assert find(KEY, "192.0.2.1", directory(), tokens(ADA)) is KEYS
    assert find(KEY, "192.0.2.2", directory(), tokens(ADA)) is None
    assert find(TOKEN, "192.0.2.1", directory(), tokens(ADA)) is ADA
    assert await find(TOKEN, "192.0.2.1", directory(), tokens(later(ADA))) is ADA


async def test_a_token_that_fails_is_not_taken_for_a_key():
    assert find(TOKEN, "192.0.2.1", directory(), tokens(None)) is None
    assert await find(TOKEN, "192.0.2.1", directory(), tokens(later(None))) is None


async def test_a_token_of_a_blocked_team_is_nobodys():
    blocked = directory(in_team=lambda _caller: None)
    assert find(TOKEN, "192.0.2.1", blocked, tokens(ADA)) is None
    assert await find(TOKEN, "192.0.2.1", blocked, tokens(later(ADA))) is None


@pytest.mark.parametrize("presented", [KEY, TOKEN])
def test_without_a_database_or_a_provider_there_is_nobody(presented):
    assert find(presented, "192.0.2.1", None, None) is None
    assert find(TOKEN, "192.0.2.1", None, tokens(ADA)) is ADA
