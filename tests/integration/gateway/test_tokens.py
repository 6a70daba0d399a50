"""Bearer tokens of an identity provider through the whole gateway."""

import asyncio
import json

import pytest

from kaigate.keys.record import LimitsChange, TeamChange
from kaigate.pipeline.principal import Principal
from support.gateway import call, chat, post, running, settings
from support.identity_provider import AUDIENCE, ISSUER, KEYS, jwk, key_set, token
from support.openai_upstream import answering, completion, http
from support.upstream_faults import Connection, upstream


async def key_server(connection: Connection) -> None:
    document = key_set(*(jwk(key, name) for name, key in KEYS.items()))
    while await connection.request() is not None:
        await connection.send(http(document))


def bearer(presented: bytes) -> str:
    return f"authorization: Bearer {presented.decode()}\r\n"


def configured(port: int, jwks: str, **changes: object) -> dict[str, object]:
    config = settings(port)
    config["keys"]["jwt"] = {"issuer": ISSUER, "audiences": [AUDIENCE], "jwks": jwks, **changes}
    return config


async def test_a_token_is_a_caller_and_its_keys_are_fetched_through_the_guard(tmp_path):
    async with upstream(answering(http(completion()))) as up, upstream(key_server) as provider:
        config = configured(up.port, f"http://127.0.0.1:{provider.port}/jwks.json", claims={"team": "department"})
        async with running(config, tmp_path) as gateway:
            good = bearer(token(department="ml"))
            assert (await call(gateway, post(chat(), headers=good))).status == 200
            assert (await call(gateway, post(chat(), headers=good))).status == 200
            assert len(provider.requests) == 1
            for bad in (token(department="ml", exp=1), token(department="ml", aud="other"), token()):
                answer = await call(gateway, post(chat(), headers=bearer(bad)))
                assert (answer.status, answer.code) == (401, "invalid_api_key")
            assert token(department="ml") not in up.requests[0]


async def test_each_subject_has_the_limits_of_a_key_of_its_own(tmp_path):
    document = tmp_path / "jwks.json"
    document.write_bytes(key_set(jwk(KEYS["ES256"], "ES256")))
    async with upstream(answering(http(completion()))) as up:
        config = configured(up.port, f"file:{document}", limits={"rpm": 1})
        config["limits"] = {}
        async with running(config, tmp_path) as gateway:
            statuses = [
                (await call(gateway, post(chat(), headers=bearer(token("ES256", sub=subject))))).status
                for subject in ("ada", "bob", "ada")
            ]
            assert statuses == [200, 200, 429]


@pytest.mark.parametrize("answer", [http(b"{}"), http(b"no", "500 Internal Server Error")])
async def test_without_keys_a_token_is_not_called_wrong(tmp_path, answer):
    async with upstream(answering(http(completion()))) as up, upstream(answering(answer)) as provider:
        config = configured(up.port, f"http://127.0.0.1:{provider.port}/jwks.json")
        async with running(config, tmp_path) as gateway:
            refused = await call(gateway, post(chat(), headers=bearer(token())))
            assert (refused.status, refused.code) == (503, "store_unavailable")
            assert "secret" not in json.dumps(refused.json())


async def test_a_team_of_the_database_holds_for_tokens_too(tmp_path):
    document = tmp_path / "jwks.json"
    document.write_bytes(key_set(jwk(KEYS["ES256"], "ES256")))
    async with upstream(answering(http(completion()))) as up:
        config = configured(up.port, f"file:{document}", claims={"team": "department"})
        config["limits"] = {}
        async with running(config, tmp_path) as gateway:
            teams = gateway.stores.parts.service.teams
            boss = Principal("master", "master", master=True, role="master")
            good = bearer(token("ES256", department="ml"))

            async def until(status: int) -> None:
                async with asyncio.timeout(3):
                    while (await call(gateway, post(chat(), headers=good))).status != status:
                        await asyncio.sleep(0.05)

            assert (await call(gateway, post(chat(), headers=good))).status == 200
            await teams.create(boss, "ml", TeamChange(limits=LimitsChange(rpm=0)))
            await until(429)
            await teams.update(boss, "ml", TeamChange(blocked=True))
            await until(401)
