"""PostgreSQL is killed under load: no request fails, nobody waits, and the ledger has every nano-dollar afterwards."""

import asyncio
import http.client
import json
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
import pytest

from support.gateway import call_port, chat, post
from support.gateway_process import KEY, GatewayProcess, running_gateway
from support.open_load import OpenLoad, open_load, quantile_s
from support.openai_upstream import completion
from support.openai_upstream import http as framed
from support.postgres import PostgresServer, start_postgres
from support.upstream_faults import Connection, upstream
from support.valkey import running_valkey

LONG: Final = os.environ.get("KAIGATE_TEST_PROFILE") == "long"
OUTAGE_S: Final = 60.0 if LONG else 5.0
HEALTHY_S: Final = 10.0 if LONG else 1.5
RATE: Final = 50.0
"""Requests a second to each gateway."""
MOST_ADDED_S: Final = 0.06
WHOLE_WITHIN_S: Final = 30.0
OUTBOXES: Final = ("journal", "valkey")
MASTER: Final = "kg-master-" + "9" * 24
PRICE: Final = {"input": 1.37, "output": 4.91}
"""Dollars a million tokens: 1370 and 4910 nano-dollars each."""


@dataclass
class Provider:
    """An upstream whose answers all cost something else, and what they cost altogether."""

    answers: int = 0
    nanodollars: int = 0

    async def serve(self, connection: Connection) -> None:
        """Answer whatever a connection asks."""
        while await connection.request() is not None:
            number = self.answers
            self.answers += 1
            read, written = 3 + number % 11, 1 + number % 7
            self.nanodollars += 1370 * read + 4910 * written
            usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
            await connection.send(framed(completion(usage=usage)))


@dataclass
class Site:
    """A gateway with an upstream and a database of its own; it is asked with its keys in turn."""

    gateway: GatewayProcess
    provider: Provider
    database: str
    keys: list[str] = field(default_factory=lambda: [KEY])

    async def ask(self, number: int) -> int:
        """The status of a chat; 0 where the connection broke."""
        request = post(chat(max_tokens=8), headers=f"authorization: Bearer {self.keys[number % len(self.keys)]}\r\n")
        try:
            return (await call_port(urlsplit(self.gateway.url).port or 0, request)).status
        except (OSError, asyncio.IncompleteReadError):
            return 0

    async def ledger(self) -> tuple[int, int]:
        """Rows and nano-dollars of single records; the daily sums say the same."""
        connection = await asyncpg.connect(self.database, timeout=10)
        try:
            async with connection.transaction(isolation="repeatable_read"):
                rows = await connection.fetchrow("SELECT count(*), sum(nanodollars)::bigint FROM usage_records")
                days = await connection.fetchrow(
                    "SELECT sum(requests)::bigint, sum(nanodollars)::bigint FROM usage_daily"
                )
        finally:
            await connection.close(timeout=10)
        assert tuple(rows) == tuple(days)
        return tuple(rows)

    async def whole(self) -> float:
        """Wait until the ledger holds what the upstream was paid for; when that was, as `time.perf_counter` tells."""
        async with asyncio.timeout(WHOLE_WITHIN_S):
            while (await self.ledger())[0] < self.provider.answers:
                await asyncio.sleep(0.05)
        return time.perf_counter()


def virtual_key(gateway: GatewayProcess) -> str:
    """A new one, which lives in the database."""
    connection = http.client.HTTPConnection(urlsplit(gateway.admin_url).netloc, timeout=10)
    headers = {"Authorization": f"Bearer {MASTER}", "Content-Type": "application/json"}
    connection.request("POST", "/admin/v1/keys", json.dumps({"name": "virtual"}), headers)
    body = json.loads(connection.getresponse().read())
    connection.close()
    return str(body["key"])


@asynccontextmanager
async def site(folder: Path, server: PostgresServer, redis: str | None) -> AsyncIterator[Site]:
    """Usage waits for SQL in Valkey with `redis`, else in the gateway's own journal."""
    provider = Provider()
    database = await server.create_database()
    unlimited = dict.fromkeys(("rpm", "tpm", "parallel", "max_input_tokens"))
    env: Mapping[str, str] = {"KAIGATE_DATABASE_URL": database, "KAIGATE_MASTER_KEY": MASTER}
    async with upstream(provider.serve) as up:
        config: dict[str, Any] = {
            "providers": {
                "up": {
                    "type": "openai_compatible",
                    "base_url": f"http://127.0.0.1:{up.port}/v1",
                    "zone": "private",
                }
            },
            "models": {"m": {"deployments": [{"provider": "up"}], "price": PRICE}},
            "limits": {"defaults": {**unlimited, "budget_usd": 1e6, "budget_window": "month"}},
            "store": {"redis": {"url": redis}},
        }
        with ExitStack() as stack:
            gateway = await asyncio.to_thread(stack.enter_context, running_gateway(config, folder, env=env))
            made = Site(gateway, provider, database)
            made.keys.append(await asyncio.to_thread(virtual_key, gateway))
            try:
                yield made
            finally:
                await asyncio.to_thread(stack.close)


@pytest.mark.timeout(240)
async def test_postgresql_is_killed_under_load(tmp_path: Path) -> None:
    server = await asyncio.to_thread(start_postgres)
    for name in OUTBOXES:
        (tmp_path / name).mkdir()
    async with AsyncExitStack() as stack:
        valkey = stack.enter_context(running_valkey(tmp_path / "server"))
        sites = {
            name: await stack.enter_async_context(site(tmp_path / name, server, redis))
            for name, redis in zip(OUTBOXES, (None, valkey.url), strict=True)
        }
        for each in sites.values():
            assert [await each.ask(number) for number in range(2)] == [200, 200]
        async with AsyncExitStack() as loaded:
            loads = {name: await loaded.enter_async_context(open_load(each.ask, RATE)) for name, each in sites.items()}
            begun = time.perf_counter()
            await asyncio.sleep(HEALTHY_S)
            killed = time.perf_counter()
            await asyncio.to_thread(server.kill)
            await asyncio.sleep(OUTAGE_S)
            await asyncio.to_thread(server.restart)
            back = time.perf_counter()
            await asyncio.sleep(HEALTHY_S)
        for name, each in sites.items():
            took_s = await each.whole() - back
            report(name, loads[name], (begun, killed, back), took_s)
            assert loads[name].statuses() == Counter({200: len(loads[name].shots)})
            assert each.provider.answers == len(loads[name].shots) + 2
            assert await each.ledger() == (each.provider.answers, each.provider.nanodollars)
            healthy, outage = loads[name].between(begun, killed), loads[name].between(killed, back)
            assert quantile_s(outage, 0.99) - quantile_s(healthy, 0.99) < MOST_ADDED_S


def report(name: str, load: OpenLoad, moments: tuple[float, float, float], took_s: float) -> None:
    begun, killed, back = moments
    before, during = load.between(begun, killed), load.between(killed, back)
    print(
        f"{name}: {len(load.shots)} requests, {len(during)} of them in {back - killed:.1f} s without PostgreSQL, "
        f"{len(load.shots) - load.statuses()[200]} failed; p99 {quantile_s(before, 0.99) * 1e3:.1f} ms before, "
        f"{quantile_s(during, 0.99) * 1e3:.1f} ms meanwhile; ledger whole {took_s:.1f} s after the start"
    )
