"""Usage over HTTP: who sees what, as JSON and CSV."""

import datetime as dt

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse

from kaigate.admin.usage import usage_router
from kaigate.errors import GatewayError
from kaigate.ledger.query import Filters, Query, Report, ReportRow
from kaigate.ledger.rollup import Sums
from kaigate.pipeline.principal import Principal
from kaigate.store.errors import StoreUnavailable
from support.usage_records import NOON_MS

TODAY = dt.date(2026, 3, 1)
TOTALS = Sums(requests=2, blocked=1, nanodollars=1_500_000_001, input_tokens=10, output_tokens=5)


class Noon:
    """Time that stands still."""

    def now(self):
        return NOON_MS / 1000

    monotonic = now


class Asked:
    """Reports that keep what was asked and answer with one row."""

    def __init__(self):
        self.query, self.error = None, None

    async def report(self, query):
        self.query = query
        if self.error:
            raise self.error
        rows = (ReportRow(tuple(f"={name}" for name in query.group_by), TOTALS),) if query.group_by else ()
        return Report(query, rows, TOTALS, truncated=True)


@pytest.fixture
def reports():
    return Asked()


@pytest.fixture
def client_of(reports):
    def make(**caller):
        app = FastAPI()

        async def authenticate():
            return Principal("k1", "caller", **caller)

        @app.exception_handler(GatewayError)
        async def refuse(_request, error):
            return JSONResponse({"code": error.code}, error.status)

        app.include_router(usage_router(reports, authenticate, clock=Noon()))
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://admin")

    return make


@pytest.fixture
async def client(client_of):
    async with client_of(role="admin") as made:
        yield made


async def test_a_report_as_json(client, reports):
    answer = await client.get("/admin/v1/usage?group_by=key,day&group_by=model&from=2026-02-01&to=2026-02-03&user=")
    numbers = {
        "requests": 2,
        "failed": 0,
        "blocked": 1,
        "gone": 0,
        "estimated": 0,
        "input_tokens": 10,
        "output_tokens": 5,
        "cached_tokens": 0,
        "cost_usd": "1.500000001",
    }
    assert answer.json() == {
        "object": "list",
        "from": "2026-02-01",
        "to": "2026-02-03",
        "group_by": ["key", "day", "model"],
        "data": [{"key": "=key", "day": "=day", "model": "=model", **numbers}],
        "totals": numbers,
        "truncated": True,
    }
    assert answer.headers["cache-control"] == "no-store"
    assert reports.query == Query(dt.date(2026, 2, 1), dt.date(2026, 2, 3), ("key", "day", "model"), Filters(user=""))


async def test_a_report_as_csv(client):
    answer = await client.get("/admin/v1/usage?format=csv&group_by=key")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.headers["x-kaigate-truncated"] == "true"
    assert answer.text.splitlines()[1] == "'=key,2,0,1,0,0,10,5,0,1.500000001"


@pytest.mark.parametrize(
    ("asked", "since", "until"),
    [
        ("", dt.date(2026, 1, 31), TODAY),
        ("from=2026-02-27", dt.date(2026, 2, 27), TODAY),
        ("from=2026-04-01", dt.date(2026, 4, 1), dt.date(2026, 4, 1)),
        ("to=2024-03-01", dt.date(2024, 2, 1), dt.date(2024, 3, 1)),
        ("to=0001-01-02", dt.date(1, 1, 1), dt.date(1, 1, 2)),
    ],
)
async def test_thirty_days_by_default(client, reports, asked, since, until):
    assert (await client.get(f"/admin/v1/usage?{asked}")).status_code == 200
    assert (reports.query.since, reports.query.until) == (since, until)


@pytest.mark.parametrize(
    "asked",
    [
        "group_by=secret",
        "group_by=key,key",
        "group_by=" + "key," * 1000,
        "from=yesterday",
        "from=2026-03-02&to=2026-03-01",
        "limit=0",
        "limit=10001",
        "format=xml",
        "teem=ml",
        "key=" + "x" * 257,
    ],
)
async def test_what_can_not_be_asked_is_refused_before_the_ledger(client, reports, asked):
    assert (await client.get(f"/admin/v1/usage?{asked}")).status_code == 422
    assert reports.query is None


@pytest.mark.parametrize(
    "caller",
    [
        {"master": True, "team": "ml"},
        {"role": "master", "team": "ml"},
        {"role": "admin", "team": "ml"},
        {"role": "viewer"},
    ],
)
async def test_who_sees_everything(client_of, reports, caller):
    async with client_of(**caller) as client:
        assert (await client.get("/admin/v1/usage?team=ops")).status_code == 200
    assert reports.query.filters.team == "ops"


@pytest.mark.parametrize(("asked", "status"), [("", 200), ("?team=ml", 200), ("?team=ops", 403), ("?team=", 403)])
@pytest.mark.parametrize("role", ["team_admin", "viewer"])
async def test_who_has_a_team_sees_that_team_only(client_of, reports, role, asked, status):
    async with client_of(role=role, team="ml") as client:
        assert (await client.get(f"/admin/v1/usage{asked}")).status_code == status
    assert reports.query is None or reports.query.filters.team == "ml"
    assert (reports.query is None) == (status == 403)


@pytest.mark.parametrize("caller", [{}, {"team": "ml"}, {"role": "team_admin"}, {"anonymous": True}])
async def test_others_see_nothing(client_of, reports, caller):
    async with client_of(**caller) as client:
        answer = await client.get("/admin/v1/usage")
    assert (answer.status_code, answer.json()["code"], reports.query) == (403, "route_not_allowed", None)


async def test_a_ledger_that_can_not_be_read_is_unavailable(client, reports):
    reports.error = StoreUnavailable("the database cannot be reached")
    answer = await client.get("/admin/v1/usage")
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")


async def test_it_is_described(client):
    paths = (await client.get("/openapi.json")).json()["paths"]
    names = {parameter["name"] for parameter in paths["/admin/v1/usage"]["get"]["parameters"]}
    assert names == {"group_by", "from", "to", "key", "team", "user", "model", "provider", "format", "limit"}
