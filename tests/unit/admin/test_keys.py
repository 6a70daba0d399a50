"""The administration API of keys and teams, over a real database file."""

from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI

from kaigate.admin.auth import Authenticator
from kaigate.admin.keys import keys_router
from kaigate.admin.teams import teams_router
from kaigate.keys.directory import KeyDirectory
from kaigate.keys.hashing import generate_key, key_digest
from kaigate.keys.keyring import Keyring
from kaigate.keys.service import KeyService
from kaigate.keys.throttle import FailureThrottle
from kaigate.pipeline.principal import Principal
from kaigate.store.errors import StoreUnavailable
from kaigate.store.sql.engine import Database
from kaigate.store.sql.migrate import migrate
from support.held_clock import HeldClock

MASTER, APP = "kg-master-" + "m" * 20, "kg-app-" + "a" * 20
PEPPER = b"p" * 32


@pytest.fixture
async def db(tmp_path):
    database = await Database.open(f"sqlite:///{tmp_path}/kaigate.db")
    await migrate(database)
    yield database
    await database.aclose()


@pytest.fixture
async def app(db):
    clock = HeldClock()
    directory = KeyDirectory(db, PEPPER, clock, poll_s=0.02)
    await directory.start()
    service = KeyService(db, PEPPER, clock, changed=directory.changed)
    keyring = Keyring(
        {
            key_digest(MASTER.encode()): Principal(key_id="master", name="master", master=True, role="master"),
            key_digest(APP.encode()): Principal(key_id="app", name="app"),
        }
    )
    admission = SimpleNamespace(keyring=keyring, tokens=None, throttle=FailureThrottle(5, clock))
    authenticate = Authenticator(lambda: admission, directory)
    made = FastAPI()
    made.include_router(keys_router(service, authenticate))
    made.include_router(teams_router(service.teams, authenticate))
    yield made
    await directory.aclose()


def client_of(app, key: str | None) -> httpx.AsyncClient:
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://admin", headers=headers)


@pytest.fixture
async def master(app):
    async with client_of(app, MASTER) as client:
        yield client


async def test_a_key_goes_its_way(master):
    body = {
        "name": "app",
        "models": ["llama*"],
        "limits": {"rpm": 60, "budget_usd": "0.000000001", "budget_window": "day"},
        "expires_at": "2027-01-31T12:00:00+02:00",
    }
    made = await master.post("/admin/v1/keys", json=body)
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    key = made.json()
    assert key.pop("key").startswith("kg-")
    assert (key["limits"]["budget_usd"], key["expires_at"]) == ("0.000000001", "2027-01-31T10:00:00Z")
    path = f"/admin/v1/keys/{key['key_id']}"
    assert (await master.get(path)).json() == key
    assert (await master.get("/admin/v1/keys")).json() == {"data": [key], "next": None}
    patched = (await master.patch(path, json={"private_only": True, "limits": {"rpm": None}})).json()
    assert (patched["private_only"], patched["limits"]["rpm"], patched["models"]) == (True, None, ["llama*"])
    assert patched["limits"]["budget_usd"] == "0.000000001"
    assert (await master.post(f"{path}/rotate")).json()["key"].startswith("kg-")
    assert (await master.post(f"{path}/rotate", json={"overlap_seconds": 0})).status_code == 200
    assert (await master.delete(path)).json()["revoked_at"] is not None
    assert (await master.post(f"{path}/revoke")).status_code == 200
    assert (await master.get("/admin/v1/keys")).json()["data"] == []


async def test_pages(master):
    for n in range(3):
        await master.post("/admin/v1/keys", json={"name": f"k{n}"})
    first = (await master.get("/admin/v1/keys", params={"limit": 2})).json()
    rest = (await master.get("/admin/v1/keys", params={"limit": 2, "after": first["next"]})).json()
    assert {key["name"] for key in first["data"] + rest["data"]} == {"k0", "k1", "k2"}
    assert rest["next"] is None


async def test_a_key_with_a_role_administers_what_is_its(app, master):
    assert (await master.post("/admin/v1/teams", json={"name": "ml", "limits": {"rpm": 5}})).status_code == 201
    lead = (await master.post("/admin/v1/keys", json={"name": "l", "role": "team_admin", "team": "ml"})).json()
    async with client_of(app, lead["key"]) as client:
        mine = await client.post("/admin/v1/keys", json={"name": "mine"})
        assert (mine.status_code, mine.json()["team"]) == (201, "ml")
        wider = await client.post("/admin/v1/keys", json={"name": "x", "role": "admin", "team": ""})
        assert (wider.status_code, wider.json()["error"]["code"]) == (403, "route_not_allowed")
        assert [team["name"] for team in (await client.get("/admin/v1/teams")).json()["data"]] == ["ml"]
        assert (await client.patch("/admin/v1/teams/ml", json={"blocked": True})).status_code == 403
        assert (await master.patch("/admin/v1/teams/ml", json={"blocked": True})).json()["blocked_at"]
        assert (await client.get("/admin/v1/keys")).status_code == 401
    assert (await master.delete("/admin/v1/teams/ml")).status_code == 400


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        (None, 401, "invalid_api_key"),
        ("", 401, "invalid_api_key"),
        ("wrong-key-0000", 401, "invalid_api_key"),
        (generate_key(), 401, "invalid_api_key"),
        (APP, 403, "route_not_allowed"),
    ],
)
async def test_strangers_are_refused_before_their_body_is_read(app, key, status, code):
    async with client_of(app, key) as client:
        answer = await client.post("/admin/v1/keys", content=b"{" * 1_000_000)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


async def test_failed_authentication_is_throttled_and_a_good_key_is_not(app, master):
    async with client_of(app, generate_key()) as client:
        statuses = [(await client.get("/admin/v1/keys")).status_code for _ in range(7)]
        assert statuses == [401] * 5 + [429] * 2
        assert int((await client.get("/admin/v1/keys")).headers["retry-after"]) > 0
    assert (await master.get("/admin/v1/keys")).status_code == 200


@pytest.mark.parametrize(
    ("content", "status", "param"),
    [
        (b"{", 400, None),
        (b'{"name": "x", "colour": "red"}', 400, "colour"),
        (b'{"name": 5}', 400, "name"),
        (b"{}", 400, "name"),
        (b'{"name": "x", "role": "master"}', 403, "role"),
        (b'{"name": "x", "limits": {"budget_usd": "0.0000000001"}}', 400, "limits.budget_usd"),
        (b'{"name": "x", "limits": {"budget_usd": "NaN"}}', 400, "limits.budget_usd"),
        (b'{"name": "x", "networks": ["10.0.0.1/8"]}', 400, "networks[0]"),
        (b'{"name": "' + b"x" * 70_000 + b'"}', 413, None),
    ],
)
async def test_bad_bodies_are_refused_in_openais_grammar_without_an_echo(master, content, status, param):
    answer = await master.post("/admin/v1/keys", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    if param is not None:
        assert error["param"] == param
    assert "0.0000000001" not in answer.text


async def test_what_does_not_exist(master):
    for path in ("/admin/v1/keys/gone", "/admin/v1/teams/gone"):
        answer = await master.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "route_not_found")


async def test_a_database_that_is_away_is_said_and_not_explained(master, db, monkeypatch):
    def gone(**options):
        raise StoreUnavailable("host db-7 is down")

    monkeypatch.setattr(Database, "connect", lambda self, **options: gone())
    answer = await master.get("/admin/v1/keys")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "store_unavailable")
    assert "db-7" not in answer.text


async def test_the_description_is_complete(app):
    paths = app.openapi()["paths"]
    assert set(paths["/admin/v1/keys"]) == {"get", "post"}
    assert set(paths["/admin/v1/keys/{key_id}"]) == {"get", "patch", "delete"}
    assert paths["/admin/v1/keys"]["post"]["security"]
