"""Four gateway processes, one Valkey, one PostgreSQL: limits are exact, and a killed gateway loses no money."""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest

from support.gateway import call_port, chat, post
from support.gateway_process import KEY, GatewayProcess, running_gateway
from support.openai_upstream import completion, http
from support.postgres import postgres
from support.upstream_faults import Connection, upstream
from support.valkey import ValkeyNode, running_valkey

AUTH: Final = f"authorization: Bearer {KEY}\r\n"
PROCESSES: Final = 4
COST: Final = 2 * 1_000_000
"""Nano-dollars of an answer, which are exactly those that are reserved for it: two tokens out, input for nothing."""
ROUNDS: Final = 50 if os.environ.get("KAIGATE_TEST_PROFILE") == "long" else 5
NO_LIMITS: Final = dict.fromkeys(("rpm", "tpm", "parallel", "budget_usd", "max_input_tokens"))


class Fleet:
    """Gateways that share their stores."""

    def __init__(self, gateways: Sequence[GatewayProcess], valkey: ValkeyNode, database: str) -> None:
        self.gateways = gateways
        self.valkey = valkey
        self.database = database

    async def ask(self, number: int) -> int:
        """The status of one chat by one of the gateways; 0 where the connection broke."""
        try:
            gateway = self.gateways[number % len(self.gateways)]
            port = int(gateway.url.rsplit(":", 1)[1])
            return (await call_port(port, post(chat(max_tokens=2), headers=AUTH), timeout_s=30)).status
        except (OSError, asyncio.IncompleteReadError):
            return 0

    async def rows(self) -> list[Any]:
        """The ledger's records."""
        connection = await asyncpg.connect(self.database, timeout=10)
        try:
            return list(await connection.fetch("SELECT * FROM usage_records"))
        finally:
            await connection.close(timeout=10)

    def open(self) -> tuple[int, int]:
        """Reservations that are not settled, and records that are not delivered, in Valkey."""
        admin = self.valkey.admin()
        return int(admin.zcard("{kaigate}:expiries")), int(admin.xlen("{kaigate}:outbox"))

    async def settled(self, timeout_s: float) -> None:
        """Wait until nothing is open."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        while (left := self.open()) != (0, 0):
            assert asyncio.get_running_loop().time() < deadline, f"still open after {timeout_s} s: {left}"
            await asyncio.sleep(0.1)


@asynccontextmanager
async def fleet(folder: Path, limits: Mapping[str, Any], *, pause_s: float = 0.0) -> AsyncIterator[Fleet]:
    async def slow(connection: Connection) -> None:
        while await connection.request() is not None:
            await asyncio.sleep(pause_s)
            await connection.send(http(completion()))

    server = await asyncio.to_thread(postgres)
    database = await server.create_database()
    with ExitStack() as stack:
        valkey = await asyncio.to_thread(stack.enter_context, running_valkey(folder / "valkey"))
        async with upstream(slow) as up:
            config = {
                "server": {"replicas": PROCESSES},
                "providers": {
                    "up": {
                        "type": "openai_compatible",
                        "base_url": f"http://127.0.0.1:{up.port}/v1",
                        "zone": "private",
                        "max_connections": 1000,
                    }
                },
                "keys": {"static": {"test": {"key": "env:KAIGATE_TEST_KEY"}}, "pepper": "env:TEST_PEPPER"},
                "models": {"m": {"deployments": [{"provider": "up"}], "price": {"input": 0.0, "output": 1000.0}}},
                "limits": {"defaults": {**NO_LIMITS, **limits}, "reservation_s": 5},
            }
            env = {"KAIGATE_REDIS_URL": valkey.url, "KAIGATE_DATABASE_URL": database, "TEST_PEPPER": "p" * 32}
            homes = [folder / str(number) for number in range(PROCESSES)]
            for home in homes:
                home.mkdir()
            gateways = await asyncio.gather(
                *(asyncio.to_thread(stack.enter_context, running_gateway(config, home, env=env)) for home in homes)
            )
            try:
                yield Fleet(gateways, valkey, database)
            finally:
                await asyncio.to_thread(stack.close)


@pytest.mark.timeout(120)
async def test_a_budget_for_thirty_seven_admits_thirty_seven_of_five_hundred(tmp_path):
    async with fleet(tmp_path, {"budget_usd": 37 * COST / 1e9, "budget_window": "month"}, pause_s=0.3) as shared:
        statuses = Counter(await asyncio.gather(*(shared.ask(number) for number in range(500))))
        assert statuses == {200: 37, 429: 463}
        await shared.settled(10)
        rows = await shared.rows()
        assert len(rows) == 37
        assert sum(row["nanodollars"] for row in rows) == 37 * COST


@pytest.mark.timeout(120)
async def test_of_a_loop_over_all_processes_sixty_pass(tmp_path):
    async with fleet(tmp_path, {"rpm": 60}) as shared:
        statuses = [await shared.ask(number) for number in range(70)]
        assert statuses == [200] * 60 + [429] * 10


@pytest.mark.timeout(60 * ROUNDS)
async def test_killed_gateways_lose_no_money(tmp_path):
    chance = random.Random(7)
    for number in range(ROUNDS):
        folder = tmp_path / str(number)
        folder.mkdir()
        async with fleet(folder, {"budget_usd": 1000.0, "budget_window": "month"}, pause_s=0.1) as shared:
            answers = [asyncio.ensure_future(shared.ask(each)) for each in range(120)]
            await asyncio.sleep(chance.uniform(0.02, 0.3))
            for victim in chance.sample(shared.gateways, 2):
                os.kill(victim.pid, signal.SIGKILL)
            statuses = Counter(await asyncio.gather(*answers))
            # Reservations expire after 5 s; nobody is left to renew those of the dead.
            await shared.settled(15)
            rows = await shared.rows()
            kinds = Counter((row["outcome"], row["estimated"]) for row in rows)
            # Whoever got an answer is charged, by the truth or, where its gateway died before it settled, by the bound.
            assert len(rows) >= statuses[200]
            assert set(kinds) <= {("ok", False), ("failed", True)}
            assert {row["nanodollars"] for row in rows} == {COST}
            spent = sum(row["nanodollars"] for row in rows)
            assert await counted(shared) == spent


async def counted(shared: Fleet) -> int:
    """Nano-dollars that Valkey has counted for the key in its budget window."""
    admin = shared.valkey.admin()
    [name] = admin.keys("{kaigate}:b:*")
    spent, reserved = admin.hmget(name, "s", "r")
    assert int(reserved or 0) == 0
    return int(spent)
