"""Tokens that a running OpenID provider issued through its own code flow."""

import asyncio
from collections.abc import Iterator

import pytest

from kaigate.config.jwt_settings import JwtSettings
from kaigate.keys.jwt import JwtVerifier
from support.identity_provider import MOCK_WARNINGS, MockProvider, mock_provider

pytestmark = [pytest.mark.filterwarnings(text) for text in MOCK_WARNINGS]


@pytest.fixture(scope="module")
def provider() -> Iterator[MockProvider]:
    with mock_provider() as running:
        yield running


def verifier(provider: MockProvider, **changes: object) -> JwtVerifier:
    settings = JwtSettings(issuer=provider.issuer, audiences=("chat-ui",), jwks=f"{provider.issuer}/jwks")
    return JwtVerifier(settings.model_copy(update=changes), provider.fetch)


async def test_a_token_of_the_provider_is_its_subject(provider):
    token = await asyncio.to_thread(provider.id_token, "ada", "chat-ui")
    checks = verifier(provider)
    caller = await checks.verify(token)
    assert caller.name == "ada"
    assert checks.verify(token) is caller
    other = await asyncio.to_thread(provider.id_token, "bob", "chat-ui")
    assert checks.verify(other).key_id != caller.key_id


async def test_a_token_for_another_client_or_of_another_provider_is_refused(provider):
    token = await asyncio.to_thread(provider.id_token, "ada", "billing")
    assert await verifier(provider).verify(token) is None
    token = await asyncio.to_thread(provider.id_token, "ada", "chat-ui")
    assert await verifier(provider, issuer="https://id.example").verify(token) is None
    with mock_provider() as stranger:
        assert await verifier(stranger, issuer=provider.issuer).verify(token) is None


async def test_verified_tokens_outlive_the_provider_for_a_while():
    with mock_provider() as provider:
        first = await asyncio.to_thread(provider.id_token, "ada", "chat-ui")
        second = await asyncio.to_thread(provider.id_token, "bob", "chat-ui")
        checks = verifier(provider)
        await checks.verify(first)
    assert checks.verify(first).name == "ada"
    assert checks.verify(second).name == "bob"
