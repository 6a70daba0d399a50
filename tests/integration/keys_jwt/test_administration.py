"""Who the identity provider says is an administrator is one, within what the token allows."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import httpx
import pytest

from kaigate.admin.api import Administration, admin_app
from kaigate.admin.auth import Authenticator
from kaigate.clock import SystemClock
from kaigate.config.jwt_settings import JwtClaims, JwtSettings
from kaigate.config.limit_settings import LimitSettings
from kaigate.keys.directory import KeyDirectory
from kaigate.keys.hashing import key_digest
from kaigate.keys.jwt import JwtVerifier
from kaigate.keys.keyring import Keyring
from kaigate.keys.service import KeyService
from kaigate.keys.throttle import FailureThrottle
from kaigate.ledger.reports import Reports
from kaigate.pipeline.principal import Principal
from kaigate.store.sql.engine import Database
from kaigate.store.sql.migrate import migrate
from support.identity_provider import MOCK_WARNINGS, Endpoint, MockProvider, mock_provider, token

pytestmark = [pytest.mark.filterwarnings(text) for text in MOCK_WARNINGS]

MASTER = "kg-master-" + "m" * 20
CLIENT = "kaigate-admin"
ROLES = {"admins": "admin", "leads": "team_admin", "auditors": "viewer"}


@pytest.fixture(scope="module")
def provider() -> Iterator[MockProvider]:
    with mock_provider() as running:
        yield running


@pytest.fixture
async def db(tmp_path):
    database = await Database.open(f"sqlite:///{tmp_path}/kaigate.db")
    await migrate(database)
    yield database
    await database.aclose()


@asynccontextmanager
async def administered(db, provider, fetch=None, **changes):
    """The administration port's application, which believes the provider."""
    clock = SystemClock()
    directory = KeyDirectory(db, b"p" * 32, clock, poll_s=0.02)
    await directory.start()
    service = KeyService(db, b"p" * 32, clock, changed=directory.changed)
    settings = JwtSettings(
        issuer=provider.issuer,
        audiences=(CLIENT,),
        jwks=f"{provider.issuer}/jwks",
        claims=JwtClaims(role="groups", team="department"),
        roles=ROLES,
        limits=LimitSettings(rpm=30),
    ).model_copy(update=changes)
    tokens = JwtVerifier(settings, fetch or provider.fetch, clock=clock)
    master = Principal("master", "master", master=True, role="master")
    keyring = Keyring({key_digest(MASTER.encode()): master})
    admission = SimpleNamespace(keyring=keyring, tokens=tokens, throttle=FailureThrottle(3, clock))
    authenticate = Authenticator(lambda: admission, directory)
    try:
        yield await asyncio.to_thread(admin_app, Administration(service, Reports(db), authenticate))
    finally:
        await tokens.close()
        await directory.aclose()


def as_bearer(app, presented: bytes | str) -> httpx.AsyncClient:
    text = presented if isinstance(presented, str) else presented.decode()
    headers = {"authorization": f"Bearer {text}"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://admin/admin/v1", headers=headers)


async def signed_in(app, provider, subject: str, *groups: str, team: str = "ml") -> httpx.AsyncClient:
    """A client that carries a token of the provider's own code flow."""
    presented = await asyncio.to_thread(provider.id_token, subject, CLIENT, groups=[*groups], department=team)
    return as_bearer(app, presented)


async def test_each_role_may_do_what_it_may_and_no_more(db, provider):
    async with administered(db, provider) as app, as_bearer(app, MASTER) as master:
        for name in ("ml", "ops"):
            assert (await master.post("/teams", json={"name": name})).status_code == 201
        theirs = (await master.post("/keys", json={"name": "theirs", "team": "ops"})).json()["key_id"]
        seen = {}
        for subject, group in (("ada", "admins"), ("leo", "leads"), ("vic", "auditors"), ("uma", "staff")):
            async with await signed_in(app, provider, subject, "unknown", group) as client:
                seen[group] = [
                    (await client.post("/keys", json={"name": group})).status_code,
                    (await client.post("/teams", json={"name": f"new-{subject}"})).status_code,
                    (await client.get(f"/keys/{theirs}")).status_code,
                    (await client.get("/usage?team=ops")).status_code,
                    (await client.get("/usage")).status_code,
                    (await client.get("/keys")).status_code,
                ]
        assert seen == {
            "admins": [201, 201, 200, 200, 200, 200],
            "leads": [201, 403, 404, 403, 200, 200],
            "auditors": [403, 403, 404, 403, 200, 200],
            "staff": [403] * 6,
        }


@pytest.mark.parametrize("group", ["admins", "leads"])
async def test_a_grant_is_never_wider_than_its_token(db, provider, group):
    async with administered(db, provider, models=("llama*",), private_only=True) as app, as_bearer(app, MASTER) as boss:
        await boss.post("/teams", json={"name": "ml"})
        wide = (await boss.post("/keys", json={"name": "wide", "team": "ml"})).json()["key_id"]
        async with await signed_in(app, provider, "ada", group) as client:
            made = (await client.post("/keys", json={"name": "mine"})).json()
            given = {name: made[name] for name in ("role", "team", "models", "private_only")}
            assert given == {"role": "user", "team": "ml", "models": ["llama*"], "private_only": True}
            assert made["created_by"].startswith("jwt-")
            for wanted in (
                {"role": "master"},
                {"models": ["gpt*"]},
                {"models": None},
                {"private_only": False},
                {"limits": {"rpm": 31}},
                {"end_users": "accepted"},
                {"expires_at": None},
                {"expires_at": "2099-01-01T00:00:00Z"},
            ):
                refused = await client.post("/keys", json={"name": "more", **wanted})
                assert (refused.status_code, refused.json()["error"]["code"]) == (403, "route_not_allowed"), wanted
                if "role" not in wanted:
                    assert (await client.patch(f"/keys/{made['key_id']}", json=wanted)).status_code == 403, wanted
            assert (await client.post(f"/keys/{wide}/rotate")).status_code == 403
            assert (await client.post(f"/keys/{wide}/revoke")).status_code == 200


@pytest.mark.parametrize("lasting", [False, True])
async def test_what_a_token_grants_ends_with_it_unless_the_role_is_trusted_beyond(db, provider, lasting):
    async with administered(db, provider, lasting_grants=lasting) as app, as_bearer(app, MASTER) as master:
        await master.post("/teams", json={"name": "ml"})
        async with await signed_in(app, provider, "ada", "admins") as client:
            ends = (await client.post("/keys", json={"name": "mine"})).json()["expires_at"]
            later = await client.post("/keys", json={"name": "later", "expires_at": "2099-01-01T00:00:00Z"})
    assert (ends is None, later.status_code) == ((True, 201) if lasting else (False, 403))


async def test_a_team_that_is_blocked_has_no_administrator(db, provider):
    async with administered(db, provider) as app, as_bearer(app, MASTER) as master:
        await master.post("/teams", json={"name": "ml"})
        async with await signed_in(app, provider, "leo", "leads") as client:
            assert (await client.get("/keys")).status_code == 200
            assert (await master.patch("/teams/ml", json={"blocked": True})).status_code == 200
            assert (await client.post("/keys", json={"name": "late"})).status_code == 401
            async with asyncio.timeout(2):
                while (await client.get("/usage")).status_code != 401:
                    await asyncio.sleep(0.02)


async def test_a_token_that_fails_is_refused_counted_and_not_explained(db, provider):
    endpoint = Endpoint()
    now = int(time.time())
    good = {"iss": provider.issuer, "aud": CLIENT, "groups": ["admins"], "department": "ml"}
    bad = [
        token(**{**good, "exp": now - 3600}),
        token(**{**good, "aud": "other"}),
        token(**{**good, "iss": "https://elsewhere.example"}),
        token(**{**good, "department": None}),
        token(**good)[:-8] + b"AAAAAAAA",
    ]
    async with administered(db, provider, fetch=endpoint.fetch) as app:
        statuses = []
        for presented in bad:
            async with as_bearer(app, presented) as client:
                answer = await client.get("/keys")
                statuses.append(answer.status_code)
                assert presented.decode() not in answer.text
        assert statuses == [401, 401, 401, 429, 429]
        # A neighbour with a good one is not locked out.
        async with as_bearer(app, token(**good)) as client:
            assert (await client.get("/keys")).status_code == 200


async def test_without_the_providers_keys_nobody_is_called_wrong(db, provider):
    endpoint = Endpoint()
    endpoint.failure = OSError("gone")
    async with administered(db, provider, fetch=endpoint.fetch) as app, as_bearer(app, token(aud=CLIENT)) as client:
        for _ in range(5):
            answer = await client.get("/keys")
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "store_unavailable")
